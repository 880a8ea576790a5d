import BalloonCore
import BalloonHost
import HostSimulation
import Simulation
import Testing

/// `host free` beside another program that writes targets, such as the balancer.
@Suite struct FreeRunTests {
    let host = SimulatedHost()

    /// Wants 200 MiB free of pnode 1 and steps until all is over; `meddle` is called after each plan.
    private func free(_ meddle: (Int) -> Void) throws -> FreeRun {
        try host.bringUp(1, 2)
        host.xen.free[1] = .mib(56)
        let wish = FreeTask.Wish(pnode: 1, kib: .mib(200), isMore: false)
        var run = FreeRun(FreeTask([wish], .init(), try host.engine.read()), stall: .seconds(5))
        var (now, plans) = (Moment.zero, 0)
        while run.state == .planning || run.state == .moving {
            now = now + .seconds(1)
            if run.state == .planning {
                try run.write(host.engine, try host.engine.read(), now: now)
                plans += 1
                meddle(plans)
            } else {
                for id in host.ids { host.follow(id) }
                run.look(try host.engine.read(), now: now)
            }
        }
        return run
    }

    private func write(_ first: KiB, _ second: KiB) {
        host.store["/local/domain/1/memory/vnode1/target-balloon-size"] = "\(first.count)"
        host.store["/local/domain/2/memory/vnode1/target-balloon-size"] = "\(second.count)"
    }

    @Test func `a balancer that levels what a plan asked for takes no guest out of it`() throws {
        let run = try free { plan in
            if plan == 1 { write(.mib(100), .mib(44)) }
        }
        #expect(run.state == .done && host.xen.free[1] == .mib(200))
        #expect(host.target(1, 1) == .mib(100) && host.target(2, 1) == .mib(44))
    }

    @Test func `a balancer that levels again and again, each time nearer, leads to the end`() throws {
        try host.bringUp(1, 2)
        host.xen.free[1] = .mib(56)
        let wish = FreeTask.Wish(pnode: 1, kib: .mib(200), isMore: false)
        var run = FreeRun(FreeTask([wish], .init(), try host.engine.read()), stall: .seconds(5))
        var (now, levels) = (Moment.zero, UInt64(0))
        while run.state == .planning || run.state == .moving {
            now = now + .seconds(1)
            if run.state == .planning {
                try run.write(host.engine, try host.engine.read(), now: now)
                continue
            }
            // It levels to and fro while the guests are on their way, and they have 16 MiB more each time.
            levels += 1
            let step = KiB.mib(16 * levels)
            if levels < 9 {
                host.move(1, 1, to: step / 2, state: "inflating")
                host.move(2, 1, to: step / 2, state: "inflating")
                write(.mib(levels % 2 == 0 ? 72 : 76), .mib(levels % 2 == 0 ? 76 : 72))
            } else {
                for id in host.ids { host.follow(id) }
            }
            run.look(try host.engine.read(), now: now)
        }
        #expect(run.state == .done && levels >= 9 && host.xen.free[1] >= .mib(200))
        #expect(run.task.excluded.isEmpty)
    }

    @Test func `against a program that takes each target back the plans come to an end`() throws {
        var plans = 0
        let run = try free { plan in
            plans = plan
            write(0, 0)
        }
        guard case .short = run.state else {
            Issue.record("\(run.state)")
            return
        }
        #expect(plans > FreeRun.rounds && plans <= 8)
    }
}
