import BalloonCore
import BalloonHost
import Foundation
import HostSimulation
import Simulation
import Testing

@Suite final class LedgerTests {
    let host = SimulatedHost()
    private let directory = FileManager.default.temporaryDirectory.path + "/locks-\(UUID().uuidString)"

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    private var ledger: Ledger { host.engine.ledger }

    private func ids() throws -> [String] { try ledger.all().map(\.id) }

    @Test func `a reservation ends with the process that makes it, until it is unbound`() throws {
        let (made, bond) = try ledger.bind(pnode: 1, kib: .mib(60), name: "run", until: nil, in: directory)
        withExtendedLifetime(bond) { #expect(HostLock.isKept("1", in: directory)) }
        let other = try ledger.add(pnode: 1, kib: .mib(30), name: "somebody", until: nil)
        #expect(try ledger.all() == [made, other] && made.isBound && !other.isBound)
        try ledger.expire(now: 0) { _ in true }
        #expect(try ids() == ["1", "2"])
        try ledger.expire(now: 0) { _ in false }
        #expect(try ids() == ["2"])
        let third = try ledger.bind(pnode: 1, kib: .mib(60), name: "", until: 5, in: directory).0
        #expect(try ledger.unbind(third.id))
        try ledger.expire(now: 4) { _ in false }
        #expect(try ids() == ["2", "3"])
        try ledger.expire(now: 5) { _ in true }
        #expect(try ids() == ["2"])
    }

    @Test func `a number is passed over whose lock another process has, because its reservation was removed`() throws {
        let first = try ledger.bind(pnode: 1, kib: .mib(60), name: "", until: nil, in: directory)
        #expect(try ledger.remove("1"))
        let second = try ledger.bind(pnode: 1, kib: .mib(60), name: "", until: nil, in: directory)
        #expect(try first.0.id == "1" && second.0.id == "2" && ids() == ["2"])
        #expect(try !ledger.unbind("1") && ledger.unbind("2"))
        #expect(try ledger.all().map(\.isBound) == [false])
        withExtendedLifetime((first, second)) {}
    }

    @Test func `nothing is reserved where no lock can be had, as on a full disk`() throws {
        try Data().write(to: URL(fileURLWithPath: directory))
        #expect(throws: BalloonError.self) {
            try ledger.bind(pnode: 1, kib: .mib(60), name: "", until: nil, in: directory)
        }
        #expect(try ids() == [])
    }

    @Test func `who waits for the turn may be asked meanwhile whether to go on`() throws {
        let turn = try HostLock.turn(in: directory)
        var asked = 0
        #expect { try HostLock.turn(in: self.directory, patience: .milliseconds(100)) { asked += 1 } } throws: {
            ($0 as? BalloonError)?.code == .busy
        }
        #expect(asked > 1)
        withExtendedLifetime(turn) {}
    }

    @Test func `a reservation's lock tells whether its process is there`() throws {
        var lock = try HostLock.reservation("7", in: directory)
        #expect(lock != nil && HostLock.isKept("7", in: directory))
        #expect(try HostLock.reservation("7", in: directory) == nil)
        lock = nil
        #expect(!HostLock.isKept("7", in: directory))
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory).isEmpty)
    }
}
