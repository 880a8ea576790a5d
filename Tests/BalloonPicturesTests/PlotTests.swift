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

    // MARK: A host

    private static func vnode(
        _ domain: Int, _ vnode: Int, pnode: Int?, _ mib: UInt64?, target: UInt64? = 64, state: String = "idle"
    ) -> RecordLine.Balloon {
        var balloon = RecordLine.Balloon(
            vnode: vnode, size: .gib(1), target: target.map { .mib($0) }, balloon: mib.map { .mib($0) }, state: state)
        balloon.domain = domain
        balloon.name = "g\(domain)"
        balloon.pnode = pnode
        return balloon
    }

    /// A line for each second: the free memory of two physical nodes in MiB, and the vnodes.
    private func host(_ sights: [(free: [UInt64], vnodes: [RecordLine.Balloon])?]) throws -> String {
        try svg(
            sights.enumerated().map { second, sight in
                let sight = sight.map { sight in
                    RecordLine.Sight(
                        nodes: sight.free.enumerated().map {
                            .init(pnode: $0, span: .gib(2), free: .mib($1), reserved: .zero)
                        }, vnodes: sight.vnodes)
                }
                let time = UTCTime(milliseconds: 1_795_608_000_000 + Int64(second) * 1000)
                return RecordLine(.host, time: time, sight: sight).json + "\n"
            }.joined())
    }

    @Test func `Of a host there is a panel for each physical node, with a lane for each vnode on it`() throws {
        let vnodes = [
            Self.vnode(1, 0, pnode: 0, 64), Self.vnode(1, 1, pnode: 1, 64, state: "held"),
            Self.vnode(2, 0, pnode: 0, 0),
        ]
        let svg = try host([([256, 128], vnodes), ([256, 128], vnodes)])
        let texts = svg.split(separator: "\n").filter { $0.hasPrefix("<text") }.map { line in
            String(line.split(separator: ">")[1].split(separator: "<")[0])
        }
        #expect(
            texts.filter { $0.hasPrefix("pnode") || $0.hasPrefix("g") } == [
                "g1.0", "g2.0", "pnode 0 of 2 GiB", "g1.1", "pnode 1 of 2 GiB",
            ])
        #expect(paths(svg, "#009e73").count == 2)
        #expect(svg.contains("Memory of physical nodes"))
    }

    @Test func `A node's balloons are the sum of its vnodes', and a gap where one is not known`() throws {
        func sight(_ first: UInt64?, _ second: UInt64?) -> (free: [UInt64], vnodes: [RecordLine.Balloon]) {
            ([256], [Self.vnode(1, 0, pnode: 0, first), Self.vnode(2, 0, pnode: 0, second)])
        }
        let svg = try host([sight(0, 64), sight(64, 64), sight(64, nil), sight(128, 128), sight(0, 0)])
        // 256 MiB are the whole height: 64 are at 193.5, 128 at 161.
        #expect(
            paths(svg, "#0072b2\" stroke-width").first?.contains(
                "d=\"M84 193.5 H282 V161 H480 M678 96 H876 V226 H876\"")
                == true)
        // Both targets are 64 MiB all the time.
        #expect(paths(svg, "#d55e00").first?.contains("d=\"M84 161 H876\"") == true)
    }

    @Test func `What has no target stays where it is`() throws {
        let vnodes = [Self.vnode(1, 0, pnode: 0, 64, target: nil), Self.vnode(2, 0, pnode: 0, 0)]
        let svg = try host([([256], vnodes), ([256], vnodes)])
        #expect(paths(svg, "#d55e00").first?.contains("d=\"M84 161 H876\"") == true)
    }

    @Test func `A guest that came late has no lane before, and a vnode on no known node has a place`() throws {
        let svg = try host([([256], []), ([256], [Self.vnode(1, 0, pnode: nil, 0)]), nil])
        #expect(svg.contains("on no known physical node"))
        #expect(svg.contains("<title>not seen</title>") && svg.contains("<title>idle</title>"))
        // Its panel has no free memory of a node.
        #expect(paths(svg, "#009e73").count == 1)
    }

    @Test func `Sizes that no host has make a picture, too`() throws {
        var vnodes = [Self.vnode(1, 0, pnode: 0, 0), Self.vnode(2, 0, pnode: 0, 0)]
        for index in vnodes.indices { vnodes[index].balloon = KiB(UInt64.max) }
        #expect(try host([([256], vnodes), nil]).hasSuffix("</svg>\n"))
    }
}
