import BalloonCore
import Foundation
import HostSimulation
import Simulation
import Testing

@testable import BalloonHost

/// `balloonctl host metrics`. Its output here is compared with packaging/metrics/host.prom, which promtool checks.
@Suite struct HostMetricsTests {
    private static let example = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../packaging/metrics/host.prom")

    private func text(_ host: SimulatedHost, isWatched: Bool? = true) -> String {
        HostMetrics(version: "0.1.0", isWatched: isWatched, host.snapshot(), hasRows: true).text
    }

    /// Two guests that follow, one of which is held; one that was only prepared, and a PV guest.
    private func host() throws -> SimulatedHost {
        let host = SimulatedHost()
        host.xen.facts[0].maxPages = Frames(UInt64(UInt32.max))
        try host.bringUp(1, 2)
        try host.engine.setTargets([1: [0: .mib(64)], 2: [1: .mib(128)]], of: host.snapshot().domains)
        host.follow(1)
        host.move(2, 1, to: .mib(32), state: "held", reason: "guard")
        host.store["/local/domain/2/memory/vnode1/balloon-short"] = "4096"
        host.make(3)
        try host.engine.prepare(host.domain(3))
        host.make(4, kind: .pv, sizes: nil)
        host.store["/local/domain/4/name"] = "a\"b\\c"
        return host
    }

    @Test func `the example's host metrics equal the packaged example file`() throws {
        let text = text(try host())
        if ProcessInfo.processInfo.environment["WRITE_EXAMPLE"] != nil {
            try text.write(to: Self.example, atomically: true, encoding: .utf8)
        }
        #expect(text == (try String(contentsOf: Self.example, encoding: .utf8)))
    }

    @Test func `without xenstore the host metrics are Xen's figures, and no name, row or sum of rows`() throws {
        let host = try host()
        let dark = HostMetrics(
            version: "1", isWatched: false, try HostSnapshot(withoutRows: host.xen), hasRows: false
        ).text
        #expect(dark.contains("\nvnode_balloon_host_daemon_up 0\n"))
        #expect(dark.contains("\nvnode_balloon_host_xenstore_up 0\n"))
        let lit = text(host)
        let lines = dark.split(separator: "\n").filter { !$0.hasPrefix("#") && !$0.contains("_up ") }
        #expect(lines.dropFirst().allSatisfy { lit.contains("\n\($0)\n") }, "the same figures as with xenstore")
        #expect(lines.contains { $0.hasPrefix("vnode_balloon_host_domain_memory_bytes{domain=\"2\"") })
        for unknown in ["info{domain", "follows", "reserved", "pnode_balloon", "freeable", "vnode="] {
            #expect(!dark.contains(unknown), "\(unknown)")
        }
    }

    @Test func `what is not known is left out of the host metrics`() throws {
        let host = try host()
        #expect(!text(host, isWatched: nil).contains("daemon_up"))
        host.store["/local/domain/1/memory/vnode0/balloon-size"] = "nonsense"
        host.store["/local/domain/1/memory/vnode0/balloon-state"] = "nonsense"
        host.store.drop("/local/domain/1/memory/vnode0/target-balloon-size")
        let lines = text(host).split(separator: "\n").filter { $0.contains("uuid=\"uuid-1\",vnode=\"0\"") }
        let names = Set(lines.compactMap { $0.split(separator: "{").first.map { String($0.dropFirst(19)) } })
        #expect(names == ["vnode_memory_bytes", "min_bytes", "max_bytes", "short_bytes"])
    }

    @Test func `two domains with one UUID, as in a migration to the same host, make no sample twice`() throws {
        let host = try host()
        host.make(5, uuid: "uuid-1")
        host.make(9, uuid: "uuid-1")
        let samples = text(host).split(separator: "\n").filter { !$0.hasPrefix("#") }
            .map { $0.prefix { $0 != " " } }
        #expect(samples.count > 60 && Set(samples).count == samples.count)
    }

    @Test func `whether the daemon runs is seen without taking its lock`() throws {
        let directory = "/tmp/host-metrics-\(getpid())"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        #expect(HostLock.hasDaemon(in: directory) == false)
        do {
            let lock = try HostLock.daemon(in: directory)
            #expect(lock != nil && HostLock.hasDaemon(in: directory) == true)
            withExtendedLifetime(lock) {}
        }
        #expect(HostLock.hasDaemon(in: directory) == false)
    }
}
