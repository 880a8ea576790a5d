import BalloonCore
import HostSimulation
import Simulation
import Testing

@testable import BalloonHost

@Suite struct KeeperTests {
    let host = SimulatedHost()

    /// One turn of the keeper; its deeds are carried out.
    @discardableResult
    private func turn(_ keeper: inout HostKeeper, _ seconds: UInt64) throws -> [HostKeeper.Deed] {
        let snapshot = host.snapshot()
        let deeds = keeper.deeds(snapshot, now: .zero + .seconds(seconds))
        for deed in deeds { _ = try host.engine.perform(deed, snapshot) }
        return deeds
    }

    @Test func `what was decided in a turn that failed is decided again`() throws {
        try host.bringUp(1)
        var keeper = HostKeeper(HostKeeper.Policy())
        _ = keeper.deeds(host.snapshot(), now: .zero)
        host.destroy(1)
        host.make(2)
        let deeds = keeper.deeds(host.snapshot(), now: .zero + .seconds(1))
        #expect(deeds.contains(.forgetGone) && deeds.contains(.prepare(2)))
        keeper.turnFailed()
        #expect(keeper.deeds(host.snapshot(), now: .zero + .seconds(2)) == deeds)
    }

    @Test func `the keeper prepares, adopts, takes, yields and forgets a domain, each once`() throws {
        var keeper = HostKeeper(HostKeeper.Policy())
        host.make(1)
        #expect(try turn(&keeper, 1) == [.forgetGone, .prepare(1)])
        #expect(try turn(&keeper, 2).isEmpty)
        host.start(1)
        #expect(try turn(&keeper, 3) == [.adopt(1)])
        #expect(try turn(&keeper, 4) == [.take(1)])
        #expect(host.store["/local/domain/1/memory/target"] == nil)
        #expect(try turn(&keeper, 5).isEmpty)
        host.store["/local/domain/1/control/feature-balloon-vnode"] = "0"
        #expect(try turn(&keeper, 6) == [.yield(1)])
        #expect(host.store["/local/domain/1/memory/target"] == "524288")
        host.destroy(1)
        #expect(try turn(&keeper, 7) == [.forgetGone])
        #expect(host.store.paths(below: "/vnode-balloon/domain").isEmpty)
    }

    @Test func `a domain without its domid row, which is still being built, gets no rows`() throws {
        var keeper = HostKeeper(HostKeeper.Policy())
        host.make(1)
        host.store["/local/domain/1/domid"] = nil
        #expect(try turn(&keeper, 1) == [.forgetGone])
    }

    @Test func `rows that vanish are made again, at most once in ten seconds`() throws {
        var keeper = HostKeeper(HostKeeper.Policy())
        host.make(1)
        try turn(&keeper, 1)
        for second in UInt64(2)...25 {
            host.store["/local/domain/1/memory/vnode0/balloon-state"] = nil
            let made = try turn(&keeper, second).contains(.prepare(1))
            #expect(made == [11, 21].contains(second))
        }
    }

    @Test func `a domain that was yielded by command keeps memory target until it is taken`() throws {
        var keeper = HostKeeper(HostKeeper.Policy())
        try host.bringUp(1)
        try turn(&keeper, 1)
        try host.engine.yield(host.domain(1), stays: true)
        #expect(try turn(&keeper, 2).isEmpty)
        try host.engine.take(host.domain(1))
        #expect(try turn(&keeper, 3).isEmpty && host.store["/local/domain/1/memory/target"] == nil)
    }

    @Test func `a foreign write to memory target is reverted, or reported once, as the policy says`() throws {
        for isReverting in [true, false] {
            let host = SimulatedHost()
            var policy = HostKeeper.Policy()
            (policy.legacy, policy.isReverting) = (.keep, isReverting)
            var keeper = HostKeeper(policy)
            try host.bringUp(1)
            func turn() throws -> [HostKeeper.Deed] {
                let snapshot = host.snapshot()
                let deeds = keeper.deeds(snapshot, now: .zero)
                for deed in deeds { _ = try host.engine.perform(deed, snapshot) }
                return deeds.filter { $0 != .forgetGone }
            }
            #expect(try turn() == [.note(1)])
            host.store["/local/domain/1/memory/target"] = "204800"
            try host.xen.setMax(1, kib: 205_824)
            if isReverting {
                #expect(try turn() == [.revert(1, foreign: 204_800)])
                #expect(host.store["/local/domain/1/memory/target"] == "524288" && host.xen.maxima[1] == 525_312)
                #expect(host.domain(1).foreignTarget == 204_800)
            } else {
                #expect(try turn() == [.tell(1, foreign: 204_800)])
            }
            #expect(try turn().isEmpty)
        }
    }

    @Test func `a policy that changes to keep writes memory target back`() throws {
        var keeper = HostKeeper(HostKeeper.Policy())
        try host.bringUp(1)
        try turn(&keeper, 1)
        keeper.policy.legacy = .keep
        #expect(try turn(&keeper, 2) == [.yield(1)])
    }

    @Test func `the enforced maximum falls when a target is reached, and rises before a deflate`() throws {
        var policy = HostKeeper.Policy()
        policy.isEnforcing = true
        var keeper = HostKeeper(policy)
        try host.bringUp(1)
        try turn(&keeper, 1)
        #expect(host.xen.maxima.isEmpty)
        try host.engine.setTargets(host.domain(1), [1: .mib(64)])
        host.move(1, 1, to: .mib(32), state: "inflating")
        #expect(try turn(&keeper, 2).isEmpty)
        host.follow(1)
        #expect(try turn(&keeper, 3) == [.enforce(1)])
        #expect(host.xen.maxima[1] == .mib(449))
        #expect(try turn(&keeper, 4).isEmpty)
        // Any program may have written this lower target: the maximum is raised before any memory moves.
        host.store["/local/domain/1/memory/vnode1/target-balloon-size"] = "\(KiB.mib(16))"
        #expect(try turn(&keeper, 5) == [.enforce(1)])
        #expect(host.xen.maxima[1] == .mib(497))
    }

    @Test func `a domain that starts again gets its old targets, raised to the balloon it has`() throws {
        var keeper = HostKeeper(HostKeeper.Policy())
        try host.bringUp(1)
        try host.engine.setTargets(host.domain(1), [0: .mib(32), 1: .mib(64)])
        host.follow(1)
        host.destroy(1)
        try turn(&keeper, 1)
        host.make(2, uuid: "uuid-1")
        try turn(&keeper, 2)
        host.start(2)
        // The domain has given more of vnode 0 than its old target asked for. Other guests may have that memory now,
        // so the keeper does not let it take that back.
        host.move(2, 0, to: .mib(48))
        try turn(&keeper, 3)
        #expect(host.row(2, 0, "target-balloon-size") == "49152" && host.row(2, 1, "target-balloon-size") == "65536")
    }

    @Test func `a domain whose uuid another domain still has gets no remembered targets`() throws {
        var keeper = HostKeeper(HostKeeper.Policy())
        try host.bringUp(1)
        try host.engine.setTargets(host.domain(1), [1: .mib(64)])
        host.make(2, uuid: "uuid-1")
        try turn(&keeper, 1)
        host.start(2)
        try turn(&keeper, 2)
        #expect(host.row(2, 1, "target-balloon-size") == "0")
    }

    @Test func `remembered targets are bounded by the limits, and forgotten after an hour`() throws {
        var keeper = HostKeeper(HostKeeper.Policy())
        try host.bringUp(1)
        try host.engine.setTargets(host.domain(1), [0: .mib(32), 1: .mib(64)])
        host.destroy(1)
        host.saved.limits["uuid-1"] = SavedLimits(parsing: Array("vnode1-min = 200m".utf8), name: "f")
        try host.engine.forgetTargets(host.snapshot(), now: 1000)
        try host.engine.forgetTargets(host.snapshot(), now: 4599)
        #expect(host.store["/vnode-balloon/target/uuid-1/1"] == "65536")
        host.make(2, uuid: "uuid-1")
        try turn(&keeper, 1)
        host.start(2)
        try turn(&keeper, 2)
        #expect(host.row(2, 0, "target-balloon-size") == "32768" && host.row(2, 1, "target-balloon-size") == "0")
        #expect(host.store["/vnode-balloon/target/uuid-1/until"] == nil)
        host.destroy(2)
        try host.engine.forgetTargets(host.snapshot(), now: 9000)
        try host.engine.forgetTargets(host.snapshot(), now: 12_600)
        #expect(host.store.paths(below: "/vnode-balloon/target").isEmpty)
    }
}
