/// A plan of how much memory each vnode of one physical node should have: its minimum plus the same fraction, for all
/// vnodes, of the range between minimum and maximum. Vnodes that are short of memory come first. Pure, exact, and the
/// same for the same input.
public struct LevelPlan: Equatable, Sendable {
    /// The balloon of each seat, in the order of the seats.
    public private(set) var targets: [KiB] = []
    /// How much stays free above `keep`, because of rounding or because every vnode has its maximum.
    public private(set) var spare: KiB = .zero
    /// How much is missing for the minimum of all vnodes and `keep`.
    public private(set) var short: KiB = .zero

    /// - Parameters:
    ///   - free: how much memory the node has free.
    ///   - keep: how much of that must stay free.
    public init(_ seats: [Seat], free: KiB, keep: KiB) {
        // Minimum and maximum, as they can be reached with balloons of whole grains.
        let least = seats.map { $0.size - $0.largestBalloon }
        let most = seats.map { $0.size - $0.smallestBalloon }
        let pool = seats.reduce(free) { $0 + $1.size - $1.balloon }
        let floor = least.reduce(keep, +)
        short = floor.less(pool)
        var left = pool.less(floor)
        // How much short vnodes need above their minimum, limited by their maximum.
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

    /// Shares out what is left, in proportion to what is wanted, and at most all that is wanted.
    private static func portions(_ left: inout KiB, of wanted: [KiB]) -> [KiB] {
        let all = wanted.reduce(.zero, +)
        guard all > .zero else { return wanted }
        let portion = min(left, all)
        let parts = wanted.map { proportion(portion, $0, of: all) }
        left -= parts.reduce(.zero, +)
        return parts
    }

    /// The changes; none where less than `band` would move in all, unless a move is necessary.
    /// - Parameter isUrgent: a node is below its floor.
    public func changes(_ seats: [Seat], band: KiB, isUrgent: Bool) -> [Change] {
        var changes: [Change] = []
        var (given, taken): (KiB, KiB) = (.zero, .zero)
        var isNeeded = isUrgent
        for (index, seat) in seats.enumerated() where targets[index] != seat.balloon {
            let target = targets[index]
            changes.append(Change(seat: index, target: target))
            if target > seat.balloon { given += target - seat.balloon } else { taken += seat.balloon - target }
            // Whoever is held was asked for more than it can give.
            if (seat.short > .zero || seat.isHeld) && target < seat.balloon { isNeeded = true }
            if seat.size - seat.balloon < seat.minimum { isNeeded = true }
        }
        return isNeeded || max(given, taken) >= band ? changes : []
    }
}
