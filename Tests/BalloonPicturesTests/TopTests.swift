import BalloonCore
import Testing

@testable import BalloonPictures

@Suite struct TopTests {
    private static func row(
        _ number: Int, balloon: UInt64? = 128, goal: UInt64? = 128, available: UInt64? = 256, kept: UInt64? = 64,
        state: String = "idle", reason: String? = nil, detail: String? = nil
    ) -> TopRow {
        TopRow(
            number: number, name: "vnode \(number)", size: .mib(512), balloon: balloon.map { .mib($0) },
            goal: goal.map { .mib($0) }, available: available.map { .mib($0) }, kept: kept.map { .mib($0) },
            state: state, reason: reason, detail: detail)
    }

    private static func lines(
        _ rows: [TopRow], columns: Int = 80, height: Int? = nil, order: TopOrder = .number, fault: String? = nil
    ) -> [String] {
        TopLayout(columns: columns, height: height, order: order, hasKeys: height != nil).lines(
            .init(time: "12:00:05", heading: fault == nil ? "PVH guest, 896M of 1024M" : "", rows: rows, fault: fault)
        ).map(\.plain)
    }

    private func bar(_ row: TopRow, columns: Int = 18) -> String { row.bar.line(columns: columns).plain }

    // MARK: The bar

    @Test func `a bar shows the balloon, what could be given, what the guard keeps and what is in use`() {
        // One cell is 32 MiB.
        #expect(bar(Self.row(0, goal: 192)) == "[####.|....%%====]")
        #expect(bar(Self.row(0)) == "[###|......%%====]")
        #expect(bar(Self.row(0, balloon: 0, goal: 0)) == "[|.....%%========]")
        #expect(bar(Self.row(0, balloon: 512, goal: 512)) == "[###############|]")
    }

    @Test func `the bar of a node below its guard shows nothing that could be given`() {
        #expect(bar(Self.row(0, goal: nil, available: 32)) == "[####%===========]")
    }

    @Test func `a bar shows even the smallest balloon`() {
        #expect(bar(Self.row(0, balloon: 1, goal: nil)).hasPrefix("[#"))
        #expect(bar(Self.row(0, balloon: 0, goal: nil)).hasPrefix("[."))
    }

    @Test func `a bar shows a figure that is not known by question marks, not as zero`() {
        #expect(bar(Self.row(0, balloon: nil, goal: nil)) == "[????????????????]")
        #expect(bar(Self.row(0, goal: nil, available: nil)) == "[####????????????]")
    }

    @Test func `a bar keeps its width whatever the figures are`() {
        for (balloon, goal, available, kept) in [
            (9999, 9999, 9999, 9999), (0, 9999, 0, 9999), (9999, 0, 9999, 0), (512, 1, 512, 1),
        ] as [(UInt64, UInt64, UInt64, UInt64)] {
            #expect(bar(Self.row(0, balloon: balloon, goal: goal, available: available, kept: kept)).count == 18)
        }
    }

    // MARK: The order

    @Test func `rows are sorted with unknown figures first, and equal ones by number`() {
        let rows = [
            Self.row(3, balloon: 64, available: 10), Self.row(2, balloon: nil, available: 9),
            Self.row(1, balloon: 128, available: nil), Self.row(0, balloon: 64, available: 9),
        ]
        #expect(TopOrder.number.sorted(rows).map(\.number) == [0, 1, 2, 3])
        #expect(TopOrder.balloon.sorted(rows).map(\.number) == [2, 1, 0, 3])
        #expect(TopOrder.available.sorted(rows).map(\.number) == [1, 0, 2, 3])
    }

    @Test func `the orders form a cycle`() {
        #expect(TopOrder.number.next.next.next == .number)
        #expect(Set([TopOrder.number, .number.next, .number.next.next]).count == 3)
    }

    // MARK: The screen

    @Test(arguments: [12, 20, 40, 79, 80, 110, 200])
    func `no line is wider than the screen, and the lines fill the screen`(columns: Int) {
        let rows = (0..<9).map {
            Self.row(
                $0, balloon: $0 == 4 ? nil : UInt64($0) * 50, state: "held", reason: "invalid-target",
                detail: "the file of vnode 4 cannot be read, and one word is supercalifragilisticexpialidocious")
        }
        for height in [1, 2, 5, 15, 24, 50] {
            let lines = Self.lines(rows, columns: columns, height: height)
            #expect(lines.allSatisfy { $0.count <= columns })
            #expect(lines.count == height)
        }
        #expect(Self.lines(rows, columns: columns).allSatisfy { $0.count <= columns })
    }

    @Test func `forty columns have room for all figures of a vnode`() {
        let lines = Self.lines([Self.row(1, state: "held", reason: "guard")], columns: 40, height: 15)
        #expect(lines.contains("vnode 1  held: guard  balloon 128M/512M"))
        #expect(lines.contains("  target 128M  available 256M  guard 64M"))
        #expect(lines.last == "q quit  s sort  n by number")
    }

    @Test func `a screen says how many vnodes have no room on it`() {
        let lines = Self.lines((0..<20).map { Self.row($0) }, height: 15)
        let shown = lines.filter { $0.hasPrefix("vnode") }.count
        #expect(shown > 2)
        #expect(lines.contains("and \(20 - shown) more below"))
        #expect(!Self.lines((0..<3).map { Self.row($0) }, height: 15).contains { $0.hasSuffix("more below") })
    }

    @Test func `a wide screen has one line for each vnode`() {
        let lines = Self.lines([Self.row(0), Self.row(1)], columns: 120)
        #expect(lines.filter { $0.hasPrefix("vnode") }.count == 2)
        #expect(lines.filter { $0.hasPrefix("vnode") }.allSatisfy { $0.hasSuffix("]") && $0.count == 120 })
    }

    @Test func `a screen shows an error in place of figures when the daemon does not answer`() {
        let lines = Self.lines([], fault: "the daemon does not answer within 5 s")
        #expect(lines == ["12:00:05  by number", "", "the daemon does not answer within 5 s"])
    }

    @Test func `control characters of a detail never reach the terminal`() {
        let lines = Self.lines([Self.row(0, detail: "a\u{1b}[2Jb\u{9b}c")])
        #expect(lines.contains("a?[2Jb?c"))
    }

    @Test func `colours are put around words and never into them`() {
        var line = TopLine("a", .strong)
        line.add("b")
        line.add("c", .held)
        #expect(line.coloured == "\u{1b}[1ma\u{1b}[0mb\u{1b}[31mc\u{1b}[0m")
        #expect(line.plain == "abc" && line.width == 3)
        #expect(line.cut(2).plain == "ab")
        #expect(line.followed(by: "defg").cut(5).plain == "abcde")
    }

    // MARK: The host

    private static func node(
        _ number: Int, free: UInt64 = 1024, goal: UInt64 = 1024, kept: UInt64 = 512, freeable: UInt64 = 256,
        balloons: UInt64 = 128
    ) -> TopNode {
        TopNode(
            number: number, size: .mib(2048), free: .mib(free), goal: .mib(goal), kept: .mib(kept),
            freeable: .mib(freeable), balloons: .mib(balloons), vnodes: 3)
    }

    private static func host(_ columns: Int, height: Int? = nil, rows: Int = 2, notes: [String] = []) -> [String] {
        let rows = (0..<rows).map {
            TopRow(
                number: $0, name: "g1 vnode \($0)", place: "pnode \($0)", size: .mib(512), balloon: .mib(128),
                goal: .mib(128), available: .mib(384), kept: .mib(64), state: "idle")
        }
        return TopLayout(columns: columns, height: height, order: .number, hasKeys: height != nil).lines(
            TopFrame(
                time: "12:00:05", heading: "1 of 2 domains", nodes: [node(0), node(1, free: 100)], rows: rows,
                notes: notes)
        ).map(\.plain)
    }

    @Test func `A physical node's bar shows what is free, what of it is kept, what can be freed and what is used`() {
        // A cell is 128 MiB.
        #expect(Self.node(0).bar.line(columns: 18).plain == "[....%%%|++======]")
        #expect(Self.node(0, goal: 1280, kept: 0).bar.line(columns: 18).plain == "[........+|======]")
        // More is reserved than is free.
        #expect(Self.node(0, free: 256, kept: 512).bar.line(columns: 18).plain == "[%%++===|========]")
    }

    @Test func `Physical nodes come before vnodes, each with its word for what is kept`() {
        let lines = Self.host(40, height: 40)
        let firsts = ["pnode 0", "pnode 1", "g1 vnode 0", "g1 vnode 1"].map { name in
            lines.firstIndex { $0.hasPrefix(name) } ?? -1
        }
        #expect(firsts == firsts.sorted() && !firsts.contains(-1))
        #expect(lines.contains("pnode 0  free 1024M/2048M  target 1024M"))
        #expect(lines.contains("  kept 512M  freeable 256M"))
        #expect(lines.contains("  available 384M  min 64M"))
        #expect(lines.contains { $0.contains("can be freed") })
        #expect(!lines.contains { $0.contains("guard") })
    }

    @Test func `A wide screen has a table of physical nodes and one of vnodes`() {
        let lines = Self.host(120)
        let headers = lines.indices.filter { lines[$0].contains("TARGET") }
        #expect(headers.count == 2)
        #expect(lines[headers[0]].contains("FREEABLE") && lines[headers[1]].contains("PNODE"))
        #expect(lines[headers[1] - 1].isEmpty)
        #expect(lines.filter { $0.hasSuffix("]") && $0.count == 120 }.count == 4)
    }

    @Test func `Of a host, too, no line is wider than the screen, and the rows without room are counted`() {
        for columns in [12, 40, 80, 109, 110, 200] {
            for height in [1, 5, 15, 24] {
                let lines = Self.host(columns, height: height, rows: 20, notes: ["a note that is longer than 12"])
                #expect(lines.allSatisfy { $0.count <= columns } && lines.count == height)
            }
        }
        let lines = Self.host(120, height: 15, rows: 20)
        let shown = lines.filter { $0.hasPrefix("g1 vnode") }.count
        #expect(shown > 2)
        #expect(lines.contains("and \(20 - shown) more below"))
        // Notes that have no room are no rows.
        #expect(!Self.host(120, height: 13, notes: ["a", "b", "c"]).contains { $0.hasSuffix("more below") })
    }

    @Test func `Physical nodes are sorted, too`() {
        let nodes = [Self.node(0), Self.node(1, free: 100, balloons: 512), Self.node(2)]
        #expect(TopOrder.number.sorted(nodes).map(\.number) == [0, 1, 2])
        #expect(TopOrder.balloon.sorted(nodes).map(\.number) == [1, 0, 2])
        #expect(TopOrder.available.sorted(nodes).map(\.number) == [1, 0, 2])
    }
}
