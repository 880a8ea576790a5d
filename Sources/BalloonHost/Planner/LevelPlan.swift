/// How much each vnode of one physical node should have: its minimum and the same part, for all, of what lies between that and
/// its maximum. Short vnodes come first. Pure, exact, the same for the same input.
public struct LevelPlan: Equatable, Sendable {
    /// A balloon for each seat, in their order.
    public private(set) var targetsKiB: [UInt64] = []
    /// What stays free above `keepKiB`: rounding, or everybody has their maximum.
    public private(set) var spareKiB: UInt64 = 0
    /// What is missing for everybody's minimum and `keepKiB`.
    public private(set) var shortKiB: UInt64 = 0

    /// - Parameters:
    ///   - freeKiB: what the node has free.
    ///   - keepKiB: what of it stays free.
    public init(_ seats: [Seat], freeKiB: UInt64, keepKiB: UInt64) {
        // As whole grains of balloon can make them.
        let least = seats.map { $0.sizeKiB - $0.largestBalloonKiB }
        let most = seats.map { $0.sizeKiB - $0.smallestBalloonKiB }
        let pool = seats.reduce(freeKiB) { $0 + $1.sizeKiB - $1.balloonKiB }
        let floor = least.reduce(keepKiB, +)
        shortKiB = floor > pool ? floor - pool : 0
        var left = pool > floor ? pool - floor : 0
        // What the short ones need above their minimum, and no more than their maximum.
        let needs = zip(seats, zip(least, most)).map { seat, ends -> UInt64 in
            guard seat.shortKiB > 0 else { return 0 }
            let memory = seat.sizeKiB - seat.balloonKiB
            return min(max(memory + seat.shortKiB, ends.0), ends.1) - ends.0
        }
        let first = Self.portions(&left, of: needs)
        let ranges = zip(zip(least, most), first).map { $0.1 - $0.0 - $1 }
        let second = Self.portions(&left, of: ranges)
        targetsKiB = seats.indices.map { index in
            let more = first[index] + second[index]
            let grain = seats[index].grainKiB
            return seats[index].largestBalloonKiB - more / grain * grain
        }
        let used = zip(seats, targetsKiB).reduce(keepKiB) { $0 + $1.0.sizeKiB - $1.1 }
        spareKiB = pool > used ? pool - used : 0
    }

    /// Shares out what there is, at most all that is wanted, in proportion.
    private static func portions(_ left: inout UInt64, of wanted: [UInt64]) -> [UInt64] {
        let all = wanted.reduce(0, +)
        guard all > 0 else { return wanted }
        let portion = min(left, all)
        let parts = wanted.map { share(portion, $0, of: all) }
        left -= parts.reduce(0, +)
        return parts
    }

    /// What is to change, or nothing: less than `bandKiB` in all is not worth moving, unless it has to be.
    /// - Parameter isUrgent: a node is below its floor.
    public func changes(_ seats: [Seat], bandKiB: UInt64, isUrgent: Bool) -> [Change] {
        var changes: [Change] = []
        var (given, taken): (UInt64, UInt64) = (0, 0)
        var isNeeded = isUrgent
        for (index, seat) in seats.enumerated() where targetsKiB[index] != seat.balloonKiB {
            let target = targetsKiB[index]
            changes.append(Change(seat: index, targetKiB: target))
            if target > seat.balloonKiB { given += target - seat.balloonKiB } else { taken += seat.balloonKiB - target }
            if seat.shortKiB > 0 && target < seat.balloonKiB { isNeeded = true }
            if seat.sizeKiB - seat.balloonKiB < seat.minKiB { isNeeded = true }
        }
        return isNeeded || max(given, taken) >= bandKiB ? changes : []
    }
}
