import BalloonCore
import BalloonHost
import HostSimulation
import Simulation
import Testing

@Suite struct TextTests {
    private func pnodes(_ text: String) -> [Int]? { UserData.parse(Array(text.utf8)) }

    @Test func `a vnode without a pnode in libxl's JSON lies on pnode 0, and broken JSON tells none`() {
        #expect(
            pnodes(
                """
                {"c_info":{"type":"pvh"},"b_info":{"vnuma_nodes":[{"memkb":262144,"vcpus":[0]},
                {"memkb":262144,"pnode":1,"vcpus":[1]}]}}
                """) == [0, 1])
        #expect(pnodes("{\"b_info\":{}}") == nil && pnodes("{}") == nil && pnodes("") == nil)
        #expect(pnodes("{\"b_info\":{\"vnuma_nodes\":[{\"pnode\":-1}]}}") == nil)
        #expect(pnodes("{\"b_info\":{\"vnuma_nodes\":[{\"pnode\":\"1\"}]}}") == nil)
        #expect(pnodes("[[[[") == nil)
        #expect(pnodes("{\"b_info\":{\"vnuma_nodes\":[{\"pnode\":1}]}}\0") == [1])
    }

    @Test func `a report quotes what a guest wrote, and shows none of its control characters`() throws {
        let host = SimulatedHost()
        try host.bringUp(1)
        for name in ["balloon-size", "balloon-state", "balloon-reason", "balloon-granularity", "balloon-target"] {
            host.store["/local/domain/1/memory/vnode0/\(name)"] = "\u{1b}[2J" + String(repeating: "a", count: 1900)
        }
        host.store["/local/domain/1/name"] = "g\u{1b}[31m\n"
        let report = HostReport(host.snapshot())
        let text = report.text() + report.json
        #expect(text.utf8.allSatisfy { (0x20...0x7e).contains($0) || $0 == 0x0a })
        #expect(!text.contains("aaaa"))
        #expect(host.domain(1).vnodes[0].grain == 2048 && host.domain(1).vnodes[0].exclusion == .unknown)
    }

    @Test func `each line of a host table has as many words as its head`() throws {
        let host = SimulatedHost()
        try host.bringUp(1)
        host.store["/local/domain/1/name"] = "a b"
        let report = HostReport(host.snapshot())
        for style in [
            ListingStyle(columns: "domain,name,vnode,state,reason"), ListingStyle(columns: "pnode,free,vnodes"),
        ] {
            let lines = report.text(style).split(separator: "\n").map { $0.split(separator: " ").count }
            #expect(lines.count > 1 && Set(lines) == [style.columns?.count ?? 0])
        }
        let whole = report.text(ListingStyle(hasHeader: false)).split(separator: "\n")
        #expect(whole.allSatisfy { $0.split(separator: " ").count == HostReport.domainColumns.count })
        #expect(report.text(ListingStyle(columns: "pnode,free,name")) == "")
        #expect(
            report.text().contains("FREEABLE") && !HostReport(host.snapshot(), only: [1]).text().contains("FREEABLE"))
    }

    @Test func `autoballoon is a fault without dom0_mem, or where xl's configuration turns it on`() {
        #expect(HostDoctor.autoballoon([], "console=com1") != nil)
        #expect(HostDoctor.autoballoon([], "dom0_mem=1G,max:1G") == nil)
        #expect(
            HostDoctor.autoballoon(Array("# autoballoon=\"off\"\n autoballoon = \"on\"\n".utf8), "dom0_mem=1G") != nil)
        #expect(HostDoctor.autoballoon(Array("autoballoon=\"off\"".utf8), "") == nil)
    }

    @Test func `the doctor names a running program that sets memory too, and a missing Dom0`() {
        #expect(HostDoctor.otherBalancers(["bash", "squeezed"])?.contains("squeezed") == true)
        #expect(HostDoctor.otherBalancers(["bash"]) == nil)
        #expect(
            HostDoctor.dom0(Array("control_d\n".utf8)) == nil && HostDoctor.dom0([]) != nil
                && HostDoctor.dom0(nil) != nil)
    }

    @Test func `a domain without memory target is a fault while no host daemon runs`() throws {
        let host = SimulatedHost()
        try host.bringUp(1)
        try host.engine.take(host.domain(1))
        func isFine(_ name: String, watched: Bool) -> Bool? {
            HostDoctor.domains(host.snapshot(), isWatched: watched).first { $0.name == name }?.isFine
        }
        #expect(isFine("memory-target", watched: true) == true && isFine("memory-target", watched: false) == false)
        #expect(isFine("counts", watched: true) == true)
    }

    @Test func `a host configuration with faults is refused with every faulty line`() throws {
        let fine = try HostConfiguration(
            parsing: Array("memory-target = keep # x\r\n\non-legacy-write=tell\nlog-level = debug".utf8), name: "f")
        #expect(fine.policy.legacy == .keep && !fine.policy.isReverting && fine.logLevel == "debug")
        #expect {
            try HostConfiguration(
                parsing: Array("memory-target=never\nx\nlog-level=debug\nlog-level=info".utf8), name: "f")
        } throws: { error in
            let text = (error as? BalloonError)?.message ?? ""
            return ["line 1", "line 2", "line 4"].allSatisfy(text.contains)
        }
    }

    @Test func `a size for a whole domain is split over its vnodes, within their limits`() throws {
        let host = SimulatedHost()
        try host.bringUp(1)
        let domain = host.domain(1)
        #expect(try BalloonSplit.targets(domain, total: .mib(128), isEven: false) == [0: .mib(64), 1: .mib(64)])
        #expect(try BalloonSplit.targets(domain, total: .mib(128), isEven: true) == [0: .mib(64), 1: .mib(64)])
        #expect(try BalloonSplit.targets(domain, total: 3000, isEven: true).values.reduce(0, +) == 4096)
        #expect(throws: BalloonError.self) { try BalloonSplit.targets(domain, total: .mib(500), isEven: true) }
        try host.engine.setLimits(domain, vnode: 0, minimum: .mib(250), maximum: nil)
        let tight = try BalloonSplit.targets(host.domain(1), total: .mib(100), isEven: false)
        #expect(tight.values.reduce(0, +) >= .mib(100) && tight[0] ?? 0 <= .mib(6))
    }

    @Test func `a reservation gets the next number, and ends when it expires or is removed`() throws {
        let ledger = SimulatedHost().engine.ledger
        #expect(try ledger.add(pnode: 1, kib: 5, name: "a", until: 100).id == "1")
        #expect(try ledger.add(pnode: 0, kib: 7, name: "", until: nil).id == "2")
        #expect(try ledger.all().map(\.kib) == [5, 7])
        try ledger.expire(now: 100) { _ in true }
        #expect(try ledger.all().map(\.id) == ["2"])
        #expect(try ledger.remove("2") && !ledger.remove("2") && !ledger.remove("../x"))
    }
}
