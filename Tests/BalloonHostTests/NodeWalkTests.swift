import BalloonCore
import HostSimulation
import Simulation
import Testing

@testable import BalloonHost

@Suite struct NodeWalkTests {
    @Test func `a walk reads both forms of Xen's lines, and ignores lines that domains wrote`() {
        let walk = NodeWalk(
            parsing: """
                (XEN) Memory location of each domain:
                (XEN) d0 (total: 262144):
                (XEN)     Node 0: 200000
                (XEN)     Node 1: 62144
                (d3)     Node 0: 1
                (XEN) [2026-11-27 10:00:00] Domain 5 (total: 131088):
                (XEN) [2026-11-27 10:00:00]     Node 0: 65552
                Node 1: 7
                (XEN)     Node x: 9
                (XEN)     Node 1: 65536
                (XEN)      2 vnodes, 2 vcpus, guest physical layout:
                (XEN) Domain 6 (total: 1): more
                """)
        #expect(walk.pages == [0: [0: 200_000, 1: 62_144], 5: [0: 65_552, 1: 65_536]])
    }

    @Test func `the report shows the pages counted on each node, and how long Xen counted`() {
        let host = SimulatedHost()
        host.make(1)
        var walk = NodeWalk(parsing: "")
        walk.pages = [1: [1: 512]]
        walk.cost = .nanoseconds(12_345_678)
        let report = HostReport(host.snapshot(), walk: walk)
        let lines = report.text().split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(lines.contains(["DOMAIN", "NAME", "PNODE0", "PNODE1"]))
        #expect(lines.contains(["1", "g1", "0", "2M"]))
        #expect(
            lines.contains(["0", "Domain-0", "?", "?"]) && lines.contains(["Xen", "counted", "for", "12.3", "ms"]))
        #expect(report.json.contains("\"pages_by_pnode\":[0,512]}"))
        #expect(report.json.contains("\"measured_microseconds\":12345"))
        #expect(!HostReport(host.snapshot()).text().contains("counted"))
    }
}
