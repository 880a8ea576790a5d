import BalloonCore
import BalloonHost
import Foundation
import HostSimulation
import Simulation
import Testing

@Suite struct LedgerTests {
    let host = SimulatedHost()
    private var ledger: Ledger { host.engine.ledger }

    private func ids() throws -> [String] { try ledger.all().map(\.id) }

    @Test func `a reservation ends with the process that makes it, until it is unbound`() throws {
        let made = try ledger.add(pnode: 1, kib: .mib(60), name: "run", until: nil, isBound: true)
        let other = try ledger.add(pnode: 1, kib: .mib(30), name: "somebody", until: nil)
        #expect(try ledger.all() == [made, other] && made.isBound && !other.isBound)
        try ledger.expire(now: 0) { _ in true }
        #expect(try ids() == ["1", "2"])
        try ledger.expire(now: 0) { _ in false }
        #expect(try ids() == ["2"])
        let third = try ledger.add(pnode: 1, kib: .mib(60), name: "", until: 5, isBound: true)
        try ledger.unbind(third.id)
        try ledger.expire(now: 4) { _ in false }
        #expect(try ids() == ["2", "3"])
        try ledger.expire(now: 5) { _ in true }
        #expect(try ids() == ["2"])
    }

    @Test func `a reservation's lock tells whether its process is there`() throws {
        let directory = FileManager.default.temporaryDirectory.path + "/locks-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var lock = try HostLock.reservation("7", in: directory)
        #expect(lock != nil && HostLock.isKept("7", in: directory))
        #expect(try HostLock.reservation("7", in: directory) == nil)
        lock = nil
        #expect(!HostLock.isKept("7", in: directory))
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory).isEmpty)
    }
}
