import Simulation
import Testing

@testable import BalloonCore
@testable import VNodeBalloon

/// The text of `status` for people.
@Suite struct StatusTextTests {
    private func report(_ change: (inout StatusReport) -> Void = { _ in }) -> StatusReport {
        var state = VNodeState(vnode: VNode(number: 1, linuxNode: 0, size: 524_288), balloonFrames: 16_384)
        state.target = 131_072
        state.activity = .held
        state.reason = .guard
        let memory = NodeMemory(managed: 524_288, free: 9000, available: 20_480)
        var report = StatusReport(
            domain: .init(
                type: "PVH", currentReservation: 1_048_644, maximumReservation: 1_049_600, staticMax: nil,
                legacyTarget: 1_048_576),
            interface: "vnode", fallback: true, backend: "privcmd", daemon: true, granularity: 2048,
            pressurePermille: 12, vnodes: [.init(state, isRunning: true, node: (memory, 32_768))])
        change(&report)
        return report
    }

    @Test func `the status text has sizes in MiB only`() {
        let text = StatusText(report()).text
        #expect(text.contains("PVH guest, 1024.0 MiB of 1025 MiB; "))
        #expect(!text.contains("KiB"))
        #expect(
            Size.mib(1_049_599) == "1024.9 MiB" && Size.mib(4) == "0.0 MiB" && Size.mib(0) == "0 MiB")
    }

    @Test func `the status text shows a node's available memory, its pressure and its shortage`() {
        let text = StatusText(report()).text
        #expect(text.contains("tasks wait for memory 1.2 % of the time"))
        #expect(text.contains("AVAILABLE"))
        #expect(text.contains("64M    128M       -        20M  held   guard"))
        #expect(
            text.contains(
                "vnode 1: its node is short of memory: 20 MiB are available of the 32 MiB that the guard keeps"))
    }

    /// No line is longer than the terminal, unless one word is.
    @Test func `the status text fits the terminal's width, however narrow`() {
        for columns in [30, 40, 60, 80, 100, 200] {
            let lines = StatusText(
                report { $0.forceError = "a forced size cannot be written down: no room" }, columns: columns
            )
            .text.split(separator: "\n")
            for line in lines { #expect(line.count <= columns, "\(columns): \(line)") }
            #expect(lines.contains { $0.contains("128M") }, "\(columns)")
        }
        #expect(
            StatusText(report(), columns: 30).text.contains("vnode 1\n  node 0\n  size 512M\n  balloon 64M\n"))
    }

    /// A figure that could not be read is not the same as a figure that does not exist.
    @Test func `the memory of a node that could not be read is shown as ?, and that of no node as -`() {
        func text(_ change: (inout StatusReport) -> Void) -> String {
            StatusText(report(change), style: ListingStyle(columns: "node,available,free,kept", hasHeader: false)).text
        }
        let unknown = text {
            ($0.vnodes[0].nodeAvailable, $0.vnodes[0].nodeFree, $0.vnodes[0].nodeKept) = (nil, nil, nil)
        }
        #expect(unknown == "0  ?  ?  ?")
        let none = text {
            $0.vnodes[0].linuxNode = nil
            ($0.vnodes[0].nodeAvailable, $0.vnodes[0].nodeFree, $0.vnodes[0].nodeKept) = (nil, nil, nil)
        }
        #expect(none == "-  -  -  -")
    }

    /// A script gets the table and nothing else.
    @Test func `a chosen listing style prints the table and nothing else`() {
        func text(_ style: ListingStyle) -> String { StatusText(report(), columns: 20, style: style).text }
        #expect(
            text(ListingStyle(columns: "vnode,balloon,kept,reason"))
                == "VNODE  BALLOON  KEPT  REASON\n    1      64M   32M  guard")
        #expect(
            text(ListingStyle(hasHeader: false, inBytes: true))
                == "1  0  536870912  67108864  134217728  -  20971520  held  guard")
    }

    @Test func `wrapping breaks a line between words only`() {
        #expect(TextLayout.wrapped("a bb ccc dddd\n  as it is", columns: 10) == "a bb ccc\n  dddd\n  as it is")
        #expect(TextLayout.wrapped("unbreakableword next", columns: 5) == "unbreakableword\n  next")
        #expect(TextLayout.wrapped("a b", columns: nil) == "a b")
    }

    @Test func `the share of time that tasks wait is read from PSI's some line, or is unknown`() {
        func permille(_ text: String) -> UInt64? { MemoryPressure.waitedPermille(text) }
        #expect(permille("some avg10=1.23 avg60=9.00 avg300=0.00 total=7\nfull avg10=0.00\n") == 12)
        #expect(permille("some avg10=100.00 avg60=0 avg300=0 total=0\n") == 1000)
        for text in [
            "", "full avg10=1.00\n", "some avg10=\n", "some avg10=x.1\n", "some avg10=101.00\n", "some total=1\n",
        ] {
            #expect(permille(text) == nil, "\(text)")
        }
    }

    @Test func `the status JSON has the node's memory and its pressure`() {
        let json = report().json
        #expect(json.contains("\"node_free_kib\":9000,\"node_available_kib\":20480,\"node_kept_kib\":32768"))
        #expect(json.contains("\"pressure_permille\":12"))
    }
}
