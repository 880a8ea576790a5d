/// How much each vnode of one physical node should have: its minimum and the same part, for all, of what lies between that and
/// its maximum. Short vnodes come first. Pure, exact, the same for the same input.
public struct LevelPlan: Equatable, Sendable {
    /// A balloon for each seat, in their order.
    public private(set) var targets: [KiB] = []
    /// What stays free above `keep`: by rounding, or because all seats have their maximum.
    public private(set) var spare: KiB = .zero
    /// What is missing for the minimum of all seats and for `keep`.
    public private(set) var short: KiB = .zero

    /// - Parameters:
    ///   - free: what the node has free.
    ///   - keep: what of it stays free.
    public init(_ seats: [Seat], free: KiB, keep: KiB) {
        // As whole grains of balloon can make them.
        let least = seats.map { $0.size - $0.largestBalloon }
        let most = seats.map { $0.size - $0.smallestBalloon }
        let pool = seats.reduce(free) { $0 + $1.size - $1.balloon }
        let floor = least.reduce(keep, +)
        short = floor.less(pool)
        var left = pool.less(floor)
        // What the short ones need above their minimum, and no more than their maximum.
        let needs = zip(seats, zip(least, most)).map { seat, ends -> KiB in
            guard seat.short > .zero else { return .zero }
            let memory = seat.size - seat.balloon
            return min(max(memory + seat.short, ends.0), ends.1) - ends.0
        }
        let first = Self.portions(&left, of: needs)
        let ranges = zip(zip(least, most), first).map { $0.1 - $0.0 - $1 }
        let second = Self.portions(&left, of: ranges)
        targets = seats.indices.map { index in
            let more = first[index] + second[index]
            let grain = seats[index].grain
            return seats[index].largestBalloon - more.roundedDown(to: grain)
        }
        let used = zip(seats, targets).reduce(keep) { $0 + $1.0.size - $1.1 }
        spare = pool.less(used)
    }

    /// Shares out what there is, at most all that is wanted, in proportion.
    private static func portions(_ left: inout KiB, of wanted: [KiB]) -> [KiB] {
        let all = wanted.reduce(.zero, +)
        guard all > .zero else { return wanted }
        let portion = min(left, all)
        let parts = wanted.map { proportion(portion, $0, of: all) }
        left -= parts.reduce(.zero, +)
        return parts
    }

    /// What is to change, or nothing: less than `band` in all is not worth moving, unless it has to be.
    /// - Parameter isUrgent: a node is below its floor.
    public func changes(_ seats: [Seat], band: KiB, isUrgent: Bool) -> [Change] {
        var changes: [Change] = []
        var (given, taken): (KiB, KiB) = (.zero, .zero)
        var isNeeded = isUrgent
        for (index, seat) in seats.enumerated() where targets[index] != seat.balloon {
            let target = targets[index]
            changes.append(Change(seat: index, target: target))
            if target > seat.balloon { given += target - seat.balloon } else { taken += seat.balloon - target }
            if seat.short > .zero && target < seat.balloon { isNeeded = true }
            if seat.size - seat.balloon < seat.minimum { isNeeded = true }
        }
        return isNeeded || max(given, taken) >= band ? changes : []
    }
}
