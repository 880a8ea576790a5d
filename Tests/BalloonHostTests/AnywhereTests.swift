import BalloonCore
import HostSimulation
import Simulation
import Testing

@testable import BalloonHost

/// `host free --any` with PV guests and with guests that only follow memory/target.
@Suite struct AnywhereTests {
    let host = SimulatedHost()

    private func task(_ kib: KiB, takesOld: Bool = true) -> FreeTask {
        var options = FreeTask.Options()
        (options.spread, options.takesOld) = (.even, takesOld)
        return FreeTask([FreeTask.Wish(pnode: nil, kib: kib, isMore: true)], options, host.snapshot())
    }

    /// Linux's own balloon inflates: the domain has `kib` less.
    private func shrink(_ id: UInt16, by kib: KiB) {
        for index in host.xen.facts.indices where host.xen.facts[index].id == id {
            host.xen.facts[index].pages -= kib.wholeFrames
        }
        host.xen.free[0] += kib
    }

    private func bringUpPV(_ id: UInt16) throws {
        host.make(id, kind: .pv, sizes: nil)
        try host.engine.prepare(host.domain(id))
        host.start(id)
        try host.engine.adopt(host.domain(id))
    }

    private func legacy(_ id: UInt16) -> String? { host.store["/local/domain/\(id)/memory/target"] }

    @Test func `a PV guest is asked for memory where the wish names no physical node, and nowhere else`() throws {
        try bringUpPV(1)
        #expect(host.snapshot().seats(on: 0).isEmpty && host.snapshot().seats(on: 1).isEmpty)
        let plan = task(.mib(64)).plan(host.snapshot())
        #expect(plan.targets == [1: [0: .mib(64)]] && plan.short == [0])
        try host.engine.setTargets(host.domain(1), [0: .mib(64)])
        // The wish is already being fulfilled: it counts as being given, but on no particular node.
        #expect(host.snapshot().nodes.map(\.giving) == [0, 0] && host.snapshot().givingAnywhere == .mib(64))
        let free = host.xen.free.reduce(0, +)
        let again = FreeTask(
            [FreeTask.Wish(pnode: nil, kib: free + .mib(64), isMore: false)], FreeTask.Options(), host.snapshot())
        #expect(again.plan(host.snapshot()).targets.isEmpty)
        host.follow(1)
        #expect(host.snapshot().givingAnywhere == 0)
    }

    @Test func `a guest on memory target alone gives down to its floor, if the options take such guests`() throws {
        host.make(3, kind: .pv, sizes: nil)
        #expect(task(.mib(64), takesOld: false).plan(host.snapshot()).short == [.mib(64)])
        let plan = task(.mib(200)).plan(host.snapshot())
        // The guest has 384 MiB and keeps 256.
        #expect(plan.targets == [3: [HostDomain.whole: .mib(128)]] && plan.short == [.mib(72)])
        host.store["/local/domain/3/control/feature-balloon"] = "1"
        #expect(task(.mib(64), takesOld: false).plan(host.snapshot()).short == [0])
        // The guest's reservation is not at its memory/target, so it is not known how much it has on top of that.
        host.store["/local/domain/3/memory/target"] = "\(KiB.mib(300))"
        #expect(host.domain(3).oldExclusion(isTold: true) == .onItsWay)
        #expect(task(.mib(64)).plan(host.snapshot()).targets.isEmpty)
    }

    @Test func `a guest with virtual NUMA and without the daemon is in no plan`() throws {
        host.make(1)
        #expect(task(.mib(64)).plan(host.snapshot()).targets.isEmpty)
        #expect(task(1).exclusion(host.domain(1)) == .notFollowing)
    }

    @Test func `memory target is lowered by the change, and is reached when Xen's count has fallen by it`() throws {
        host.make(3, kind: .pv, sizes: nil)
        host.store["/local/domain/3/memory/target"] = "\(KiB.mib(382))"
        var run = FreeRun(task(.mib(32)), stall: .seconds(5))
        try run.write(host.engine, host.snapshot(), now: .zero)
        #expect(legacy(3) == "\(KiB.mib(350))" && run.state == .moving)
        shrink(3, by: .mib(31))
        run.look(host.snapshot(), now: .zero + .seconds(1))
        #expect(run.state == .moving)
        shrink(3, by: .mib(1))
        run.look(host.snapshot(), now: .zero + .seconds(2))
        #expect(run.verdicts == [3: .reached])
        try run.write(host.engine, host.snapshot(), now: .zero + .seconds(2))
        #expect(run.state == .done)
        #expect((host.xen.maxima[3] ?? 0) < .mib(384))
    }

    @Test func `a guest on memory target alone that is stuck gets the target that Xen counts`() throws {
        host.make(3, kind: .pv, sizes: nil)
        var run = FreeRun(task(.mib(32)), stall: .seconds(5))
        try run.write(host.engine, host.snapshot(), now: .zero)
        shrink(3, by: .mib(8))
        run.look(host.snapshot(), now: .zero + .seconds(1))
        run.look(host.snapshot(), now: .zero + .seconds(7))
        #expect(run.verdicts == [3: .stuck])
        try run.write(host.engine, host.snapshot(), now: .zero + .seconds(7))
        #expect(legacy(3) == "\(KiB.mib(376))")
        guard case .short(let plan) = run.state else { return #expect(Bool(false), "\(run.state)") }
        #expect(plan.short == [.mib(24)])
    }

    @Test func `a memory target that another program wrote meanwhile is not overwritten`() throws {
        host.make(3, kind: .pv, sizes: nil)
        var run = FreeRun(task(.mib(32)), stall: .seconds(5))
        let before = host.snapshot()
        host.store["/local/domain/3/memory/target"] = "\(KiB.mib(300))"
        try run.write(host.engine, before, now: .zero)
        #expect(legacy(3) == "\(KiB.mib(300))")
        run.look(host.snapshot(), now: .zero + .seconds(1))
        #expect(run.verdicts == [3: .superseded(vnode: HostDomain.whole)])
        try run.write(host.engine, host.snapshot(), now: .zero + .seconds(1))
        #expect(legacy(3) == "\(KiB.mib(300))")
    }

    @Test func `a guest on memory target alone may grow only into memory that is free on the host`() throws {
        host.make(3, kind: .pv, sizes: nil)
        try host.engine.setOldMemory(host.domain(3), kib: .mib(200), host.snapshot())
        shrink(3, by: .mib(184))
        try host.engine.lowerMax(host.domain(3))
        #expect(host.xen.maxima[3] == .mib(201))
        host.xen.free = [.mib(40), .mib(64)]
        #expect(throws: BalloonError.self) {
            try host.engine.setOldMemory(host.domain(3), kib: .mib(240), host.snapshot())
        }
        #expect(legacy(3) == "\(KiB.mib(200))" && host.xen.maxima[3] == .mib(201))
        try host.engine.setOldMemory(host.domain(3), kib: .mib(230), host.snapshot())
        #expect(legacy(3) == "\(KiB.mib(230))" && host.xen.maxima[3] == .mib(231))
    }
}
