import BalloonCore
import BalloonHost
import Simulation

/// What holds for every plan. Planners without bugs and planners with planted bugs are checked against it.
enum PlannerProperties {
    typealias Freeing = (KiB, [Seat], FreePlan.Spread) -> FreePlan
    typealias Levelling = ([Seat], _ free: KiB, _ keep: KiB) -> LevelPlan

    /// Random seats: up to 12 domains with up to 4 vnodes each, and sizes from nothing to the largest that Xen
    /// knows.
    static func seats(_ random: inout SeededGenerator) -> [Seat] {
        let isHuge = random.oneIn(3)
        let vnodes = random.number(1...4)
        return (0..<random.number(0...12)).flatMap { domain in
            (0..<vnodes).map { vnode in
                let grain: KiB = random.pick([2048, 2048, 2048, 4, 1_048_576])
                let size = random.size(0...(isHuge ? .gib(1 << 20) : .gib(4)))
                let least = random.size(0...size)
                let most = random.size(least...size)
                let balloon = random.size(0...size)
                return Seat(
                    domain: UInt16(domain + 1), vnode: vnode, size: size, minimum: least, maximum: most,
                    balloon: random.oneIn(2) ? balloon.roundedDown(to: grain) : balloon, grain: grain,
                    short: random.oneIn(6) ? random.size(1...(.gib(1))) : 0)
            }
        }
    }

    static func checkFreeing(_ random: inout SeededGenerator, _ make: Freeing) throws {
        let seats = seats(&random)
        let spread = random.pick(FreePlan.Spread.allCases)
        let all = seats.reduce(KiB(0)) { $0 + $1.slack }
        let need = random.size(0...(all + all / 4 + 1))
        let plan = make(need, seats, spread)
        try demand(plan == make(need, seats, spread), "the same input gives another plan")
        var given: KiB = 0
        for change in plan.changes {
            let seat = seats[change.seat]
            let start = seat.balloon.roundedUp(to: seat.grain)
            try demand(change.target > start, "a balloon does not grow: \(seat) to \(change.target)")
            try demand(
                change.target.roundedDown(to: seat.grain) == change.target,
                "not whole grains: \(seat) to \(change.target)")
            try demand(
                change.target <= seat.size - seat.minimum, "below its minimum: \(seat) to \(change.target)")
            given += change.target - start
        }
        try demand(Set(plan.changes.map(\.seat)).count == plan.changes.count, "a seat is planned twice")
        let wanted = min(need, all)
        try demand(plan.given == given, "says \(plan.given), gives \(given)")
        try demand(plan.short == need - wanted, "short by \(plan.short), not \(need - wanted)")
        try demand(given >= wanted, "gives \(given) of \(wanted)")
        // A plan rounds up to whole grains: it exceeds the wish by less than the largest grain among its seats.
        let widest = plan.changes.map { seats[$0.seat].grain }.max() ?? 1
        try demand(given - wanted < widest, "\(given - wanted) too much")
        if spread == .fewest { try checkFewest(plan, seats, wanted) }
    }

    private static func checkFewest(_ plan: FreePlan, _ seats: [Seat], _ wanted: KiB) throws {
        var ofDomain: [UInt16: KiB] = [:]
        for seat in seats { ofDomain[seat.domain, default: 0] += seat.slack }
        let touched = Set(plan.changes.map { seats[$0.seat].domain })
        let fewer = ofDomain.values.sorted(by: >).prefix(max(0, touched.count - 1)).reduce(0, +)
        try demand(touched.isEmpty || fewer < wanted, "\(touched.count - 1) guests can do it, too")
    }

    static func checkLevelling(_ random: inout SeededGenerator, _ make: Levelling) throws {
        let seats = seats(&random)
        let free = random.size(0...(.gib(16)))
        let keep = random.size(0...(.mib(256)))
        let plan = make(seats, free, keep)
        try demand(plan == make(seats, free, keep), "the same input gives another plan")
        try demand(plan.targets.count == seats.count, "a target for each seat")
        var (before, after, grains, room): (KiB, KiB, KiB, KiB) = (free, 0, 0, 0)
        for (seat, target) in zip(seats, plan.targets) {
            try demand(
                target.roundedDown(to: seat.grain) == target && target <= seat.size,
                "whole grains: \(seat) to \(target)")
            let memory = seat.size - target
            try demand(memory >= seat.minimum, "below its minimum: \(seat) to \(target)")
            let least = seat.size - (seat.size - seat.minimum).roundedDown(to: seat.grain)
            try demand(memory <= max(seat.maximum, least), "above its maximum: \(seat) to \(target)")
            before += seat.size - seat.balloon
            after += memory
            grains += seat.grain * 2
            room += max(seat.maximum, least) - memory
        }
        if plan.short > 0 { return }
        try demand(after + keep + plan.spare == before, "\(after) + \(keep) + \(plan.spare) are not \(before)")
        try demand(
            plan.spare <= grains + KiB(UInt64(2 * seats.count)) || room <= grains, "\(plan.spare) stay unused")
        try checkShort(plan, seats)
    }

    /// Checks that vnodes which are short of memory come first: as long as one of them has less than it needs, the
    /// others have no more than their minimum.
    private static func checkShort(_ plan: LevelPlan, _ seats: [Seat]) throws {
        var others: KiB = 0
        var missing = false
        for (seat, target) in zip(seats, plan.targets) {
            let memory = seat.size - target
            let least = seat.size - (seat.size - seat.minimum).roundedDown(to: seat.grain)
            if seat.short > 0 {
                let wanted = min(seat.size - seat.balloon + seat.short, max(seat.maximum, least))
                if memory + seat.grain * 2 < wanted { missing = true }
            } else {
                others += memory - least
            }
        }
        let rounding = seats.reduce(KiB(2)) { $0 + $1.grain }
        try demand(!missing || others <= rounding, "others have \(others) before the short")
    }
}

extension SeededGenerator {
    mutating func size(_ range: ClosedRange<KiB>) -> KiB {
        KiB(UInt64.random(in: range.lowerBound.count...range.upperBound.count, using: &self))
    }
}
