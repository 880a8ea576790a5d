import BalloonCore
import Testing

@testable import BalloonPictures

@Suite struct PlotTests {
    private static func line(
        _ milliseconds: Int, _ kib: UInt64?, target: UInt64? = 65536, state: String = "idle", reason: String? = nil
    ) -> String {
        RecordLine(
            time: UTCTime(milliseconds: 1_795_608_000_000 + Int64(milliseconds)),
            vnodes: [
                .init(
                    vnode: 0, size: .gib(1), target: target.map { KiB($0) }, balloon: kib.map { KiB($0) }, state: state,
                    reason: reason)
            ]
        ).json + "\n"
    }

    private func svg(_ text: String) throws -> String { try #require(Plot(try Record(text.utf8))).svg }

    private func paths(_ svg: String, _ stroke: String) -> [Substring] {
        svg.split(separator: "\n").filter { $0.hasPrefix("<path") && $0.contains(stroke) }
    }

    @Test func `a record without lines makes no picture`() throws {
        #expect(Plot(try Record("".utf8)) == nil)
    }

    @Test func `a record of one line makes a picture`() throws {
        let svg = try svg(Self.line(0, 65536))
        // The line is level from the left edge to the right one, at the height of 64 MiB.
        #expect(paths(svg, "#0072b2\" stroke-width").first?.contains("d=\"M84 96 H876\"") == true)
        #expect(svg.contains("2026-11-25 12:00:00 to 12:00:00 UTC"))
    }

    @Test func `a size stays until the next line, and a size that is not known is a gap`() throws {
        let svg = try svg(
            Self.line(0, 0) + Self.line(1000, 65536) + Self.line(2000, nil) + Self.line(3000, 65536)
                + Self.line(4000, 0))
        #expect(
            paths(svg, "#0072b2\" stroke-width").first?.contains(
                "d=\"M84 226 H282 V96 H480 M678 96 H876 V226 H876\"") == true)
    }

    @Test func `a state has a title with its reason, and held is hatched`() throws {
        let svg = try svg(Self.line(0, 0) + Self.line(1000, 0, state: "held", reason: "guard") + Self.line(4000, 0))
        #expect(svg.contains("fill=\"url(#hatch)\" shape-rendering=\"crispEdges\"><title>held: guard</title>"))
    }

    @Test func `text of the record is escaped in the picture`() throws {
        let svg = try svg(Self.line(0, 0, state: "held", reason: "<script>&\u{1}\"") + Self.line(9, 0))
        #expect(svg.contains("held: &lt;script&gt;&amp;?&quot;"))
        #expect(!svg.contains("<script"))
    }

    @Test func `a record in which nobody ever answered makes a picture that says so`() throws {
        let line = RecordLine(time: UTCTime(milliseconds: 0), vnodes: nil).json + "\n"
        #expect(try svg(line).contains("Nobody answered"))
    }

    @Test func `a long record makes a picture of limited size that still shows the peak`() throws {
        var record = ""
        for index in 0..<20000 {
            let isPeak = index == 12345
            record += Self.line(
                index * 500, isPeak ? 1 << 19 : UInt64(index % 7) * 4096,
                state: isPeak ? "held" : ["idle", "inflating"][index % 2],
                reason: isPeak ? "guard" : nil)
        }
        let svg = try svg(record)
        #expect(svg.utf8.count < 250_000)
        #expect(svg.contains("held: guard"))
        // The peak, 512 MiB, is the top of the axis, which is drawn at 96.
        #expect(paths(svg, "#0072b2\" stroke-width").first?.contains(" V96 ") == true)
    }

    @Test(arguments: [
        (4, "4 KiB"), (60, "64 KiB"), (1024, "1024 KiB"), (65536, "64 MiB"), (131_071, "128 MiB"), (3 << 20, "3 GiB"),
        (1 << 30, "1024 GiB"), (UInt64.max, "1073741824 GiB"),
    ])
    func `an axis of sizes has few marks, at round sizes`(most: UInt64, last: String) {
        let axis = SizeAxis(most: KiB(most))
        #expect((2...5).contains(axis.ticks.count))
        #expect(axis.label(axis.last) == last)
        #expect(axis.label(.zero) == "0")
    }

    @Test func `an axis of time has few marks, at round times`() {
        let first = UTCTime(milliseconds: 1_795_608_003_210)
        for seconds in [1, 7, 60, 61, 3600, 86400, 90000, 864_000, 400 * 86400] as [Int64] {
            let axis = TimeAxis(first: first, last: UTCTime(milliseconds: first.milliseconds + seconds * 1000))
            let ticks = axis.ticks()
            #expect((1...9).contains(ticks.count), "\(seconds) s")
            #expect(ticks.allSatisfy { $0 >= axis.first && $0 <= axis.last && $0.milliseconds % 1000 == 0 })
        }
    }
}
