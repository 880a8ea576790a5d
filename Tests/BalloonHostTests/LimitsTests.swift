import BalloonCore
import Foundation
import HostSimulation
import Simulation
import Testing

@testable import BalloonHost

@Suite struct LimitsTests {
    let host = SimulatedHost()

    private func keeps(_ id: UInt16) -> [UInt64] { host.domain(id).vnodes.map { $0.minimum.wholeMiB } }

    private func saved(_ text: String) -> SavedLimits { SavedLimits(parsing: Array(text.utf8), name: "f") }

    @Test func `a limit set by command precedes a saved one, and that precedes dynamic-min`() throws {
        try host.bringUp(1)
        #expect(keeps(1) == [64, 64])
        host.store["/local/domain/1/memory/dynamic-min"] = "\(KiB.mib(160))"
        #expect(keeps(1) == [80, 80])
        host.saved.limits["uuid-1"] = saved("min = 200m\nvnode1-min = 120m")
        #expect(keeps(1) == [100, 120])
        try host.engine.setLimits(host.domain(1), vnode: 0, minimum: .mib(90), maximum: nil)
        #expect(keeps(1) == [90, 120])
        try host.engine.setLimits(host.domain(1), vnode: nil, minimum: .mib(256), maximum: nil)
        #expect(keeps(1) == [90, 128])
    }

    @Test func `a domain that starts again has its saved limits, and a later save keeps the rest`() throws {
        let directory = FileManager.default.temporaryDirectory.path + "/limits-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try host.bringUp(1)
        #expect(throws: BalloonError.self) { try HostEngine.saveLimits(host.domain(1), in: directory) }
        try host.engine.setLimits(host.domain(1), vnode: 1, minimum: .mib(100), maximum: .mib(200))
        try HostEngine.saveLimits(host.domain(1), in: directory)
        host.saved.limits["uuid-1"] = SavedLimits.read("uuid-1", in: directory)
        host.destroy(1)
        host.make(2, uuid: "uuid-1")
        #expect(keeps(2) == [64, 100] && host.domain(2).vnodes[1].maximum == .mib(200))
        // A limit that is set later takes precedence over the saved one. The other saved limits stay.
        try host.engine.prepare(host.domain(2))
        try host.engine.setLimits(host.domain(2), vnode: 1, minimum: .mib(80), maximum: nil)
        try HostEngine.saveLimits(host.domain(2), in: directory)
        let found = SavedLimits.read("uuid-1", in: directory)
        #expect(found.faults.isEmpty)
        #expect(found.limits == HostLimits(vnodes: [1: .init(minimum: .mib(80), maximum: .mib(200))]))
        #expect(SavedLimits.read("uuid-2", in: directory) == SavedLimits())
    }

    @Test func `a limits file with faults counts in its good lines, and each fault is reported`() throws {
        let found = saved("min = 1g\nmax = much\nvnode99-min = 1\nvnode1-most = 2\nmin = 2g\nvnode0-max = 64m # x")
        #expect(found.limits == HostLimits(.init(minimum: .gib(1)), vnodes: [0: .init(maximum: .mib(64))]))
        #expect(found.faults.map { $0.prefix(9) } == ["f, line 2", "f, line 3", "f, line 4", "f, line 5"])
        try host.bringUp(1)
        host.saved.limits["uuid-1"] = found
        #expect(HostReport(host.snapshot()).remarks.filter { $0.contains("saved limits") }.count == 4)
        let check = HostDoctor.domains(host.snapshot(), isWatched: true).first { $0.name == "limits" }
        #expect(check?.fix?.hasSuffix(found.faults.joined(separator: "; ")) ?? false)
        #expect(throws: BalloonError.self) { try HostEngine.saveLimits(host.domain(1), in: "/nowhere") }
    }

    @Test func `a limits file that other users may write is ignored and reported`() throws {
        let directory = FileManager.default.temporaryDirectory.path + "/limits-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try SavedLimits.write(HostLimits(.init(minimum: 4096)), "u", name: "g", in: directory)
        #expect(SavedLimits.read("u", in: directory).limits.whole.minimum == 4096)
        try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: "\(directory)/u.conf")
        #expect(SavedLimits.read("u", in: directory).limits.isEmpty)
        #expect(SavedLimits.read("u", in: directory).faults.count == 1)
    }

    @Test func `a guest whose saved limits cannot be read is in no plan`() throws {
        let host = SimulatedHost()
        try host.bringUp(1)
        #expect(host.domain(1).exclusion == nil)
        host.saved.limits["uuid-1"] = SavedLimits(parsing: Array("min = much\n".utf8), name: "f")
        #expect(host.domain(1).exclusion == .limitsUnknown)
    }
}
