import BalloonHost
import Simulation

/// What holds of every plan, for planners as they are and for broken ones.
enum PlannerProperties {
    typealias Freeing = (UInt64, [Seat], FreePlan.Spread) -> FreePlan
    typealias Levelling = ([Seat], _ freeKiB: UInt64, _ keepKiB: UInt64) -> LevelPlan

    /// Seats of up to 12 domains of up to 4 vnodes; sizes from nothing to Xen's largest.
    static func seats(_ random: inout SeededGenerator) -> [Seat] {
        let isHuge = random.oneIn(3)
        let vnodes = random.number(1...4)
        return (0..<random.number(0...12)).flatMap { domain in
            (0..<vnodes).map { vnode in
                let grain: UInt64 = random.pick([2048, 2048, 2048, 4, 1_048_576])
                let size = UInt64.random(in: 0...(isHuge ? 1 << 40 : 4 << 20), using: &random)
                let least = UInt64.random(in: 0...size, using: &random)
                let most = UInt64.random(in: least...size, using: &random)
                let balloon = UInt64.random(in: 0...size, using: &random)
                return Seat(
                    domain: UInt16(domain + 1), vnode: vnode, sizeKiB: size, minKiB: least, maxKiB: most,
                    balloonKiB: random.oneIn(2) ? balloon / grain * grain : balloon, grainKiB: grain,
                    shortKiB: random.oneIn(6) ? UInt64.random(in: 1...(1 << 20), using: &random) : 0)
            }
        }
    }

    static func checkFreeing(_ random: inout SeededGenerator, _ make: Freeing) throws {
        let seats = seats(&random)
        let spread = random.pick(FreePlan.Spread.allCases)
        let all = seats.reduce(UInt64(0)) { $0 + $1.slackKiB }
        let need = UInt64.random(in: 0...(all + all / 4 + 1), using: &random)
        let plan = make(need, seats, spread)
        try demand(plan == make(need, seats, spread), "the same input gives another plan")
        var given: UInt64 = 0
        for change in plan.changes {
            let seat = seats[change.seat]
            let start = (seat.balloonKiB + seat.grainKiB - 1) / seat.grainKiB * seat.grainKiB
            try demand(change.targetKiB > start, "a balloon does not grow: \(seat) to \(change.targetKiB)")
            try demand(change.targetKiB % seat.grainKiB == 0, "not whole grains: \(seat) to \(change.targetKiB)")
            try demand(
                change.targetKiB <= seat.sizeKiB - seat.minKiB, "below its minimum: \(seat) to \(change.targetKiB)")
            given += change.targetKiB - start
        }
        try demand(Set(plan.changes.map(\.seat)).count == plan.changes.count, "a seat is planned twice")
        let wanted = min(need, all)
        try demand(plan.givenKiB == given, "says \(plan.givenKiB), gives \(given)")
        try demand(plan.shortKiB == need - wanted, "short by \(plan.shortKiB), not \(need - wanted)")
        try demand(given >= wanted, "gives \(given) of \(wanted)")
        // Too much by less than the smallest grain that anybody else who takes part has left.
        let widest = plan.changes.map { seats[$0.seat].grainKiB }.max() ?? 1
        try demand(given - wanted < widest, "\(given - wanted) too much")
        if spread == .fewest { try checkFewest(plan, seats, wanted) }
    }

    private static func checkFewest(_ plan: FreePlan, _ seats: [Seat], _ wanted: UInt64) throws {
        var ofDomain: [UInt16: UInt64] = [:]
        for seat in seats { ofDomain[seat.domain, default: 0] += seat.slackKiB }
        let touched = Set(plan.changes.map { seats[$0.seat].domain })
        let fewer = ofDomain.values.sorted(by: >).prefix(max(0, touched.count - 1)).reduce(0, +)
        try demand(touched.isEmpty || fewer < wanted, "\(touched.count - 1) guests can do it, too")
    }

    static func checkLevelling(_ random: inout SeededGenerator, _ make: Levelling) throws {
        let seats = seats(&random)
        let free = UInt64.random(in: 0...(1 << 24), using: &random)
        let keep = UInt64.random(in: 0...(1 << 18), using: &random)
        let plan = make(seats, free, keep)
        try demand(plan == make(seats, free, keep), "the same input gives another plan")
        try demand(plan.targetsKiB.count == seats.count, "a target for each seat")
        var (before, after, grains, room): (UInt64, UInt64, UInt64, UInt64) = (free, 0, 0, 0)
        for (seat, target) in zip(seats, plan.targetsKiB) {
            try demand(target % seat.grainKiB == 0 && target <= seat.sizeKiB, "whole grains: \(seat) to \(target)")
            let memory = seat.sizeKiB - target
            try demand(memory >= seat.minKiB, "below its minimum: \(seat) to \(target)")
            let least = seat.sizeKiB - (seat.sizeKiB - seat.minKiB) / seat.grainKiB * seat.grainKiB
            try demand(memory <= max(seat.maxKiB, least), "above its maximum: \(seat) to \(target)")
            before += seat.sizeKiB - seat.balloonKiB
            after += memory
            grains += 2 * seat.grainKiB
            room += max(seat.maxKiB, least) - memory
        }
        if plan.shortKiB > 0 { return }
        try demand(after + keep + plan.spareKiB == before, "\(after) + \(keep) + \(plan.spareKiB) are not \(before)")
        try demand(
            plan.spareKiB <= grains + UInt64(2 * seats.count) || room <= grains, "\(plan.spareKiB) stay unused")
        try checkShort(plan, seats)
    }

    /// Nobody who is short has less of what it needs than others have above their minimum: they come first.
    private static func checkShort(_ plan: LevelPlan, _ seats: [Seat]) throws {
        var others: UInt64 = 0
        var missing = false
        for (seat, target) in zip(seats, plan.targetsKiB) {
            let memory = seat.sizeKiB - target
            let least = seat.sizeKiB - (seat.sizeKiB - seat.minKiB) / seat.grainKiB * seat.grainKiB
            if seat.shortKiB > 0 {
                let wanted = min(seat.sizeKiB - seat.balloonKiB + seat.shortKiB, max(seat.maxKiB, least))
                if memory + 2 * seat.grainKiB < wanted { missing = true }
            } else {
                others += memory - least
            }
        }
        let rounding = seats.reduce(UInt64(2)) { $0 + $1.grainKiB }
        try demand(!missing || others <= rounding, "others have \(others) before the short")
    }
}
