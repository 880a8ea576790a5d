import BalloonCore
import HostSimulation
import Testing

@testable import BalloonHost

/// `host free --any`: PV guests, and guests that follow memory/target alone.
@Suite struct AnywhereTests {
    let host = SimulatedHost()
    static let second: UInt64 = 1_000_000_000

    private func task(_ kib: UInt64, takesOld: Bool = true) -> FreeTask {
        var options = FreeTask.Options()
        (options.spread, options.takesOld) = (.even, takesOld)
        return FreeTask([FreeTask.Wish(pnode: nil, kib: kib, isMore: true)], options, host.snapshot())
    }

    /// Linux's own balloon: the domain has so many KiB less.
    private func shrink(_ id: UInt16, by kib: UInt64) {
        for index in host.xen.facts.indices where host.xen.facts[index].id == id {
            host.xen.facts[index].pages -= kib / 4
        }
        host.xen.freeKiB[0] += kib
    }

    private func bringUpPV(_ id: UInt16) throws {
        host.make(id, kind: .pv, sizes: nil)
        try host.engine.prepare(host.domain(id))
        host.start(id)
        try host.engine.adopt(host.domain(id))
    }

    private func legacy(_ id: UInt16) -> String? { host.store["/local/domain/\(id)/memory/target"] }

    @Test func `a PV guest gives where no node is named, and only there`() throws {
        try bringUpPV(1)
        #expect(host.snapshot().seats(on: 0).isEmpty && host.snapshot().seats(on: 1).isEmpty)
        let plan = task(64 << 10).plan(host.snapshot())
        #expect(plan.targets == [1: [0: 64 << 10]] && plan.shortKiB == [0])
        try host.engine.setTargets(host.domain(1), [0: 64 << 10])
        // It is on its way: that counts, and on no node.
        #expect(host.snapshot().nodes.map(\.givingKiB) == [0, 0] && host.snapshot().givingAnywhereKiB == 64 << 10)
        let free = host.xen.freeKiB.reduce(0, +)
        let again = FreeTask(
            [FreeTask.Wish(pnode: nil, kib: free + (64 << 10), isMore: false)], FreeTask.Options(), host.snapshot())
        #expect(again.plan(host.snapshot()).targets.isEmpty)
        host.follow(1)
        #expect(host.snapshot().givingAnywhereKiB == 0)
    }

    @Test func `an old guest gives down to its floor, and only where that is said`() throws {
        host.make(3, kind: .pv, sizes: nil)
        #expect(task(64 << 10, takesOld: false).plan(host.snapshot()).shortKiB == [64 << 10])
        let plan = task(200 << 10).plan(host.snapshot())
        // 384 MiB: it keeps 256.
        #expect(plan.targets == [3: [HostDomain.whole: 128 << 10]] && plan.shortKiB == [72 << 10])
        host.store["/local/domain/3/control/feature-balloon"] = "1"
        #expect(task(64 << 10, takesOld: false).plan(host.snapshot()).shortKiB == [0])
        // It is not where its memory/target is: how much it has beside it is not known.
        host.store["/local/domain/3/memory/target"] = "\(300 << 10)"
        #expect(host.domain(3).oldExclusion(isTold: true) == .onItsWay)
        #expect(task(64 << 10).plan(host.snapshot()).targets.isEmpty)
    }

    @Test func `a guest with virtual NUMA and without our daemon gives nothing`() throws {
        host.make(1)
        #expect(task(64 << 10).plan(host.snapshot()).targets.isEmpty)
        #expect(task(1).exclusion(host.domain(1)) == .notFollowing)
    }

    @Test func `memory target falls by the change, and Xen's count is the judge`() throws {
        host.make(3, kind: .pv, sizes: nil)
        host.store["/local/domain/3/memory/target"] = "\(382 << 10)"
        var run = FreeRun(task(32 << 10), stall: 5 * Self.second)
        try run.write(host.engine, host.snapshot(), now: 0)
        #expect(legacy(3) == "\(350 << 10)" && run.state == .moving)
        shrink(3, by: 31 << 10)
        run.look(host.snapshot(), now: Self.second)
        #expect(run.state == .moving)
        shrink(3, by: 1 << 10)
        run.look(host.snapshot(), now: 2 * Self.second)
        #expect(run.verdicts == [3: .reached])
        try run.write(host.engine, host.snapshot(), now: 2 * Self.second)
        #expect(run.state == .done)
        #expect((host.xen.maxima[3] ?? 0) < 384 << 10)
    }

    @Test func `an old guest that does not move gets back what it did not give`() throws {
        host.make(3, kind: .pv, sizes: nil)
        var run = FreeRun(task(32 << 10), stall: 5 * Self.second)
        try run.write(host.engine, host.snapshot(), now: 0)
        shrink(3, by: 8 << 10)
        run.look(host.snapshot(), now: Self.second)
        run.look(host.snapshot(), now: 7 * Self.second)
        #expect(run.verdicts == [3: .stuck])
        try run.write(host.engine, host.snapshot(), now: 7 * Self.second)
        #expect(legacy(3) == "\(376 << 10)")
        guard case .short(let plan) = run.state else { return #expect(Bool(false), "\(run.state)") }
        #expect(plan.shortKiB == [24 << 10])
    }

    @Test func `what somebody else wrote to memory target stays`() throws {
        host.make(3, kind: .pv, sizes: nil)
        var run = FreeRun(task(32 << 10), stall: 5 * Self.second)
        let before = host.snapshot()
        host.store["/local/domain/3/memory/target"] = "\(300 << 10)"
        try run.write(host.engine, before, now: 0)
        #expect(legacy(3) == "\(300 << 10)")
        run.look(host.snapshot(), now: Self.second)
        #expect(run.verdicts == [3: .superseded(vnode: HostDomain.whole)])
        try run.write(host.engine, host.snapshot(), now: Self.second)
        #expect(legacy(3) == "\(300 << 10)")
    }

    @Test func `an old guest grows only into what is free`() throws {
        host.make(3, kind: .pv, sizes: nil)
        try host.engine.setOldMemory(host.domain(3), kib: 200 << 10, host.snapshot())
        shrink(3, by: 184 << 10)
        try host.engine.lowerMax(host.domain(3))
        #expect(host.xen.maxima[3] == (201 << 10))
        host.xen.freeKiB = [40 << 10, 64 << 10]
        #expect(throws: BalloonError.self) {
            try host.engine.setOldMemory(host.domain(3), kib: 240 << 10, host.snapshot())
        }
        #expect(legacy(3) == "\(200 << 10)" && host.xen.maxima[3] == (201 << 10))
        try host.engine.setOldMemory(host.domain(3), kib: 230 << 10, host.snapshot())
        #expect(legacy(3) == "\(230 << 10)" && host.xen.maxima[3] == (231 << 10))
    }
}
