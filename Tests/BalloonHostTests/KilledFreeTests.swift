import BalloonCore
import BalloonHost
import HostSimulation
import Simulation
import Testing

/// `host free` by a process that is killed, and then by another one.
@Suite struct KilledFreeTests {
    /// Three guests, of which 144 MiB are wanted.
    private func makeHost() throws -> SimulatedHost {
        let host = SimulatedHost()
        try host.bringUp(1, 2, 3)
        host.xen.free[1] = .mib(56)
        return host
    }

    /// One process: plans, writes, and waits until all is free. The guests follow at once.
    private func free(_ host: SimulatedHost, _ spread: FreePlan.Spread) throws {
        var options = FreeTask.Options()
        options.spread = spread
        let wish = FreeTask.Wish(pnode: 1, kib: .mib(200), isMore: false)
        var run = FreeRun(FreeTask([wish], options, try host.engine.read()), stall: .seconds(5))
        var now: Moment = .zero
        while run.state == .planning || run.state == .moving {
            now = now + .seconds(1)
            if run.state == .planning {
                try run.write(host.engine, try host.engine.read(), now: now)
            } else {
                follow(host)
                run.look(try host.engine.read(), now: now)
            }
        }
        #expect(run.state == .done)
    }

    /// The guests go where their targets are; they are not the process that is killed.
    private func follow(_ host: SimulatedHost) {
        let left = host.store.questionsLeft
        host.store.questionsLeft = nil
        for id in host.ids { host.follow(id) }
        host.store.questionsLeft = left
    }

    private func targets(_ host: SimulatedHost) -> [KiB?] { host.ids.map { host.target($0, 1) } }

    @Test(arguments: [FreePlan.Spread.even, .fewest])
    func `killed after any of its questions to xenstore, a free that is repeated ends as if nothing had happened`(
        _ spread: FreePlan.Spread
    ) throws {
        let undisturbed = try makeHost()
        try free(undisturbed, spread)
        #expect(undisturbed.xen.free[1] == .mib(200))
        var killed = 0
        while true {
            let host = try makeHost()
            host.store.questionsLeft = killed
            do { try free(host, spread) } catch is BalloonError {}
            guard host.store.questionsLeft == 0 else { break }
            host.store.questionsLeft = nil
            // What was asked for by then is done, and nobody waits for it.
            follow(host)
            try free(host, spread)
            #expect(targets(host) == targets(undisturbed), "killed after \(killed) questions")
            #expect(host.xen.free == undisturbed.xen.free, "killed after \(killed) questions")
            killed += 1
        }
        #expect(killed > 100)
    }
}
