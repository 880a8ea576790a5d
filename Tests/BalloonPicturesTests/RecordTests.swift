import BalloonCore
import Testing

@testable import BalloonPictures

@Suite struct RecordTests {
    private func time(_ second: Int64) -> UTCTime { UTCTime(milliseconds: 1_795_608_000_000 + second * 1000) }

    private func balloon(
        _ kib: UInt64?, target: UInt64? = 0, state: String = "idle", reason: String? = nil
    ) -> RecordLine.Balloon {
        .init(
            vnode: 1, size: .gib(1), target: target.map { KiB($0) }, balloon: kib.map { KiB($0) }, state: state,
            reason: reason)
    }

    private func file(_ lines: [RecordLine]) -> String { lines.map { $0.json + "\n" }.joined() }

    @Test func `a line that is written is read as the same line`() throws {
        let balloons = [balloon(nil, target: nil, state: "held", reason: "a \"word\" & <b>"), balloon(4)]
        let record = try Record(file([RecordLine(time: time(0), vnodes: balloons)]).utf8)
        #expect(record.entries.map(\.sight?.vnodes) == [balloons])
        #expect(record.entries.map(\.time) == [time(0)])
    }

    @Test func `a line that says that nobody answered is read as an entry without vnodes`() throws {
        let record = try Record(file([RecordLine(time: time(0), vnodes: nil)]).utf8)
        #expect(record.entries.count == 1)
        #expect(record.entries.first?.sight == nil)
        #expect(record.vnodes.isEmpty)
    }

    @Test func `a line with unknown members is read`() throws {
        let text = #"{"schema":1,"time":"2026-11-25T12:00:05Z","vnodes":[],"host":"a"}"# + "\n"
        #expect(try Record(text.utf8).entries.count == 1)
    }

    @Test func `a torn last line is left out, wherever it is torn`() throws {
        let whole = file([RecordLine(time: time(0), vnodes: [balloon(0)])])
        let last = RecordLine(time: time(1), vnodes: [balloon(4)]).json
        for length in 0..<last.utf8.count {
            #expect(try Record((whole + last.prefix(length)).utf8).entries.count == 1)
        }
        #expect(try Record((whole + last).utf8).entries.count == 2)
    }

    @Test(arguments: [
        "nonsense", "", "{\"schema\":1}", "{\"schema\":1,\"time\":\"2026-11-25T12:00:05Z\",\"vnodes\":[{}]}",
    ])
    func `a bad line is reported by its number`(line: String) {
        let good = file([RecordLine(time: time(0), vnodes: [balloon(0)])])
        #expect(throws: Record.Fault(line: 2, description: "line 2 is no line of a record")) {
            try Record((good + line + "\n" + good).utf8)
        }
    }

    @Test func `a line of another schema, or without a time, is reported`() {
        #expect(throws: Record.Fault(line: 1, description: "line 1 is of schema 2; this balloonctl knows 1")) {
            try Record("{\"schema\":2,\"time\":\"2026-11-25T12:00:05Z\",\"vnodes\":[]}\n".utf8)
        }
        #expect(throws: Record.Fault(line: 1, description: "line 1 has no time such as 2026-11-25T12:00:05Z")) {
            try Record("{\"schema\":1,\"time\":\"noon\",\"vnodes\":[]}\n".utf8)
        }
    }

    @Test func `a clock that was set back never makes the record's time run backwards`() throws {
        let record = try Record(
            file([5, 2, 6].map { RecordLine(time: time($0), vnodes: [balloon(UInt64($0))]) }).utf8)
        #expect(record.entries.map(\.time) == [time(5), time(5), time(6)])
    }

    @Test func `a line is recorded when anything changed, and one more at the end`() {
        var recorder = Recorder()
        #expect(recorder.end(at: time(0)) == nil)
        #expect(recorder.see(.init(vnodes: [balloon(0)]), at: time(0)) != nil)
        #expect(recorder.end(at: time(0)) == nil)
        #expect(recorder.see(.init(vnodes: [balloon(0)]), at: time(1)) == nil)
        #expect(
            recorder.see(.init(vnodes: [balloon(4)]), at: time(2)) == RecordLine(time: time(2), vnodes: [balloon(4)]))
        #expect(recorder.see(nil, at: time(3)) == RecordLine(time: time(3), vnodes: nil))
        #expect(recorder.see(nil, at: time(4)) == nil)
        #expect(recorder.see(.init(vnodes: [balloon(4)]), at: time(5)) != nil)
        #expect(recorder.end(at: time(9)) == RecordLine(time: time(9), vnodes: [balloon(4)]))
    }

    @Test func `the time between two records in one file is a gap`() {
        let last = RecordLine(time: time(7), vnodes: [balloon(4)])
        #expect(Recorder().gap(behind: last.json) == RecordLine(time: time(7), vnodes: nil))
        #expect(Recorder().gap(behind: RecordLine(time: time(7), vnodes: nil).json) == nil)
        #expect(Recorder().gap(behind: "nonsense") == nil)
    }

    // MARK: A host

    private func host(_ second: Int64, free: UInt64 = 4, balloon: UInt64? = 0) -> RecordLine {
        var vnode = self.balloon(balloon, state: "inflating")
        vnode.domain = 3
        vnode.name = "g1"
        vnode.pnode = 1
        let sight = RecordLine.Sight(
            nodes: [.init(pnode: 0, span: .gib(2), free: KiB(free), reserved: .zero)], vnodes: [vnode])
        return RecordLine(.host, time: time(second), sight: sight)
    }

    @Test func `A host's line is read as it was written, and so is that nobody looked`() throws {
        let record = try Record(file([host(0), RecordLine(.host, time: time(1), sight: nil)]).utf8)
        #expect(record.entries.map(\.sight) == [host(0).sight, nil])
        #expect(record.kind == .host)
    }

    @Test(arguments: [RecordLine.Kind.guest, .host])
    func `Each line begins as the lines of its kind do`(kind: RecordLine.Kind) {
        for sight in [nil, RecordLine.Sight(vnodes: [])] {
            let json = RecordLine(kind, time: time(0), sight: sight).json
            #expect(json.hasPrefix(RecordLine.beginning(kind)))
            #expect(!json.hasPrefix(RecordLine.beginning(kind == .host ? .guest : .host)))
        }
    }

    @Test func `A guest's and a host's lines are no one record`() {
        let guest = RecordLine(time: time(0), vnodes: [balloon(0)])
        for lines in [[guest, host(1)], [host(0), guest]] {
            #expect(
                throws: Record.Fault(
                    line: 2, description: "line 2 is of another record: a guest's and a host's are not mixed")
            ) { try Record(file(lines).utf8) }
        }
    }

    @Test func `A change of a physical node is recorded, too`() {
        var recorder = Recorder(.host)
        #expect(recorder.see(host(0).sight, at: time(0)) == host(0))
        #expect(recorder.see(host(0).sight, at: time(1)) == nil)
        #expect(recorder.see(host(2, free: 8).sight, at: time(2)) == host(2, free: 8))
        #expect(recorder.end(at: time(3)) == host(3, free: 8))
        #expect(recorder.gap(behind: host(2).json) == RecordLine(.host, time: time(2), sight: nil))
    }
}

extension RecordLine {
    /// A guest's line.
    init(time: UTCTime, vnodes: [Balloon]?) { self.init(time: time, sight: vnodes.map { Sight(vnodes: $0) }) }
}
