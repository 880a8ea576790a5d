import BalloonCore
import BalloonHost
import HostSimulation
import Simulation
import Testing

@Suite struct FreeTaskTests {
    let host = SimulatedHost()

    private func task(_ kib: KiB, more: Bool = false, spread: FreePlan.Spread = .fewest) -> FreeTask {
        var options = FreeTask.Options()
        options.spread = spread
        return FreeTask([FreeTask.Wish(pnode: 1, kib: kib, isMore: more)], options, host.snapshot())
    }

    private func write(_ plan: FreeTask.Plan) throws {
        for (id, targets) in plan.targets { try host.engine.setTargets(host.domain(id), targets) }
    }

    @Test func `memory that guests are giving already counts, so that the same task asks once`() throws {
        try host.bringUp(1, 2)
        host.xen.free[1] = .mib(100)
        let task = task(.mib(200))
        let plan = task.plan(host.snapshot())
        #expect(plan.targets == [1: [1: .mib(100)]] && plan.short == [0])
        try write(plan)
        #expect(task.plan(host.snapshot()).targets.isEmpty && !task.isDone(host.snapshot()))
        host.follow(1)
        #expect(task.isDone(host.snapshot()) && task.plan(host.snapshot()).targets.isEmpty)
        #expect(self.task(.mib(200)).plan(host.snapshot()).targets.isEmpty)
    }

    @Test func `a wish for so much more counts on top of what is coming free already`() throws {
        try host.bringUp(1, 2)
        try write(task(.mib(64), more: true).plan(host.snapshot()))
        try write(task(.mib(64), more: true).plan(host.snapshot()))
        #expect([1, 2].reduce(KiB(0)) { $0 + (host.domain($1).vnodes[1].target ?? 0) } == .mib(128))
    }

    @Test func `memory that is reserved does not count as free for a task`() throws {
        try host.bringUp(1, 2)
        host.xen.free[1] = .mib(100)
        _ = try host.engine.ledger.add(pnode: 1, kib: .mib(60), name: "", until: nil)
        #expect(task(.mib(50)).plan(host.snapshot()).given == [.mib(10)])
        #expect(!task(.mib(50)).isDone(host.snapshot()))
    }

    @Test func `a stuck guest is left out of the plan, and its target is set to the balloon it has`() throws {
        try host.bringUp(1, 2)
        host.xen.free[1] = 0
        var task = task(.mib(100))
        let plan = task.plan(host.snapshot())
        try write(plan)
        host.move(1, 1, to: .mib(30), state: "inflating")
        try task.giveUp(on: [1: .stuck], plan.targets, host.engine, host.snapshot())
        #expect(host.row(1, 1, "target-balloon-size") == "30720")
        host.follow(1)
        #expect(task.plan(host.snapshot()).targets == [2: [1: .mib(70)]])
    }

    @Test func `a stuck guest whose report is nonsense is asked for what Xen counts, and nothing comes twice`() throws {
        try host.bringUp(1, 2)
        host.xen.free[1] = 0
        var task = task(.mib(100))
        let plan = task.plan(host.snapshot())
        try write(plan)
        host.move(1, 1, to: .mib(30), state: "inflating")
        host.store["/local/domain/1/memory/vnode1/balloon-size"] = "\u{1b}[2J"
        try task.giveUp(on: [1: .stuck], plan.targets, host.engine, host.snapshot())
        #expect(host.row(1, 1, "target-balloon-size") == "30720")
        #expect(task.plan(host.snapshot()).targets == [2: [1: .mib(70)]])
    }

    @Test func `a task that gives up leaves a target that another program wrote`() throws {
        try host.bringUp(1)
        var task = task(.mib(100), more: true)
        let plan = task.plan(host.snapshot())
        try write(plan)
        host.store["/local/domain/1/memory/vnode1/target-balloon-size"] = "4096"
        try task.giveUp(on: [1: .superseded(vnode: 1)], plan.targets, host.engine, host.snapshot())
        #expect(host.row(1, 1, "target-balloon-size") == "4096")
    }

    @Test func `a paused, dying, shut down, held or stopped domain is in no plan`() throws {
        try host.bringUp(1, 2)
        host.xen.free[1] = 0
        for spoil: (inout DomainFacts) -> Void in [
            { $0.isPaused = true }, { $0.isDying = true }, { $0.isShutdown = true },
        ] {
            let before = host.xen.facts
            spoil(&host.xen.facts[1])
            #expect(task(.mib(100), spread: .even).plan(host.snapshot()).targets.keys.sorted() == [2])
            host.xen.facts = before
        }
        for (state, reason) in [
            ("held", "guard"), ("held", "forced"), ("stopped", ""), ("held", "migrating"), ("?", ""),
        ] {
            host.say(1, 1, size: 0, state: state, reason: reason)
            #expect(
                task(.mib(100), spread: .even).plan(host.snapshot()).targets.keys.sorted() == [2], "\(state) \(reason)")
        }
        host.say(1, 1, size: 0)
        #expect(task(.mib(100), spread: .even).plan(host.snapshot()).targets.keys.sorted() == [1, 2])
    }

    @Test func `what a held guest was asked for does not count as coming free`() throws {
        try host.bringUp(1, 2)
        host.xen.free[1] = 0
        try write(task(.mib(100)).plan(host.snapshot()))
        host.move(1, 1, to: .mib(20), state: "held", reason: "guard")
        #expect(host.snapshot().nodes[1].giving == 0)
        #expect(task(.mib(100)).plan(host.snapshot()).targets == [2: [1: .mib(80)]])
    }

    @Test func `a PV guest has no seat on any physical node`() throws {
        host.make(1, kind: .pv, sizes: nil)
        try host.engine.prepare(host.domain(1))
        host.start(1)
        #expect(host.snapshot().seats(on: 1).isEmpty && host.domain(1).exclusion == .anywhere)
    }
}
