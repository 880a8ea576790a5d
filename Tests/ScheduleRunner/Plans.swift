import BalloonCore
import BalloonHost
import Simulation

/// Measures how long a plan takes on a large host (`schedules plans`). The times depend on this machine; any machine
/// should meet the goals.
enum Plans {
    private static let goals: [(domains: Int, milliseconds: Int64)] = [(1_000, 10), (10_000, 200)]

    /// Prints the times. Returns how many goals are missed.
    static func show() -> Int {
        var missed = 0
        for goal in goals {
            let seats = seats(goal.domains)
            let need: KiB = seats.reduce(KiB(0)) { $0 + $1.slack } / 3
            let times = [
                ("free", best { FreePlan(freeing: need, from: seats).changes.count }),
                ("balance", best { LevelPlan(seats, free: .gib(16), keep: .mib(64)).targets.count }),
            ]
            for (name, time) in times {
                let isMet = time < .milliseconds(goal.milliseconds)
                missed += isMet ? 0 : 1
                print("\(isMet ? "ok  " : "FAIL") \(goal.domains) domains of 8 vnodes: \(name) \(time)")
            }
        }
        return missed
    }

    /// The shortest time of ten runs.
    private static func best(_ body: () -> Int) -> Duration {
        let clock = ContinuousClock()
        var (shortest, found) = (Duration.seconds(1000), 0)
        for _ in 0..<10 { shortest = min(shortest, clock.measure { found += body() }) }
        return found >= 0 ? shortest : .zero
    }

    private static func seats(_ domains: Int) -> [Seat] {
        var random = SeededGenerator(seed: 7)
        return (0..<domains).flatMap { domain in
            (0..<8).map { vnode in
                let size = KiB.mib(2 * UInt64(random.number(1...2048)))
                return Seat(
                    domain: UInt16(domain + 1), vnode: vnode, size: size, minimum: size / 4, maximum: size,
                    balloon: size * UInt64(random.number(0...100)) / 400, grain: random.oneIn(4) ? 4 : 2048)
            }
        }
    }
}
