import BalloonHost
import Simulation

/// How long a plan takes on a large host: `schedules plans`. A figure of this machine, and a goal that any should meet.
enum Plans {
    private static let goals: [(domains: Int, milliseconds: Int64)] = [(1_000, 10), (10_000, 200)]

    /// The number of goals that are missed.
    static func show() -> Int {
        var missed = 0
        for goal in goals {
            let seats = seats(goal.domains)
            let need = seats.reduce(UInt64(0)) { $0 + $1.slackKiB } / 3
            let times = [
                ("free", best { FreePlan(freeing: need, from: seats).changes.count }),
                ("balance", best { LevelPlan(seats, freeKiB: 1 << 24, keepKiB: 1 << 16).targetsKiB.count }),
            ]
            for (name, time) in times {
                let isMet = time < .milliseconds(goal.milliseconds)
                missed += isMet ? 0 : 1
                print("\(isMet ? "ok  " : "FAIL") \(goal.domains) domains of 8 vnodes: \(name) \(time)")
            }
        }
        return missed
    }

    /// The shortest of ten.
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
                let size = UInt64(random.number(1...2048)) << 11
                return Seat(
                    domain: UInt16(domain + 1), vnode: vnode, sizeKiB: size, minKiB: size / 4, maxKiB: size,
                    balloonKiB: UInt64(random.number(0...100)) * size / 400, grainKiB: random.oneIn(4) ? 4 : 2048)
            }
        }
    }
}
