public import BalloonCore

/// One size for a whole domain, as targets of its vnodes. Pure.
public enum BalloonSplit {
    /// - Parameter isEven: the same of each vnode, as far as each has so much; else in proportion to their sizes.
    /// - Throws: `.usage` where it is more than the domain may give.
    public static func targets(_ domain: HostDomain, totalKiB: UInt64, isEven: Bool) throws(BalloonError) -> [Int:
        UInt64]
    {
        let vnodes = domain.vnodes
        let most = vnodes.reduce(UInt64(0)) { $0 + ($1.sizeKiB - $1.minKiB) / $1.grainKiB * $1.grainKiB }
        guard totalKiB <= most else {
            throw BalloonError(
                .usage,
                "domain \(domain.id) (\(domain.name)) can give \(Size.text(kib: most)) at most:"
                    + " `balloonctl host limits` says what it keeps")
        }
        // As if each vnode's balloon were empty: its slack is all that it may give.
        let seats = vnodes.map { vnode in
            Seat(
                domain: UInt16(truncatingIfNeeded: vnode.number), vnode: vnode.number, sizeKiB: vnode.sizeKiB,
                minKiB: isEven ? vnode.minKiB : 0, maxKiB: vnode.sizeKiB, balloonKiB: 0, grainKiB: vnode.grainKiB)
        }
        var targets = Dictionary(uniqueKeysWithValues: vnodes.map { ($0.number, UInt64(0)) })
        if isEven { return even(totalKiB, seats) }
        let plan = FreePlan(freeing: totalKiB, from: seats, spread: .even)
        for change in plan.changes { targets[seats[change.seat].vnode] = change.targetKiB }
        let isBelow = vnodes.contains { $0.sizeKiB - min(targets[$0.number] ?? 0, $0.sizeKiB) < $0.minKiB }
        // In proportion somebody would fall below its minimum: then by what each may give.
        return isBelow ? bySlack(totalKiB, vnodes) : targets
    }

    private static func bySlack(_ totalKiB: UInt64, _ vnodes: [HostVNode]) -> [Int: UInt64] {
        let seats = vnodes.map { vnode in
            Seat(
                domain: 0, vnode: vnode.number, sizeKiB: vnode.sizeKiB, minKiB: vnode.minKiB, maxKiB: vnode.sizeKiB,
                balloonKiB: 0, grainKiB: vnode.grainKiB)
        }
        var targets = Dictionary(uniqueKeysWithValues: vnodes.map { ($0.number, UInt64(0)) })
        for change in FreePlan(freeing: totalKiB, from: seats, spread: .even).changes {
            targets[seats[change.seat].vnode] = change.targetKiB
        }
        return targets
    }

    /// Fills all alike; who has its most drops out, and the others share the rest.
    private static func even(_ totalKiB: UInt64, _ seats: [Seat]) -> [Int: UInt64] {
        var targets = Dictionary(uniqueKeysWithValues: seats.map { ($0.vnode, UInt64(0)) })
        var left = totalKiB
        var open = seats
        while left > 0 && !open.isEmpty {
            let part = left / UInt64(open.count)
            var given: UInt64 = 0
            for seat in open {
                let room = seat.largestBalloonKiB - (targets[seat.vnode] ?? 0)
                let kib = min(part / seat.grainKiB * seat.grainKiB, room)
                targets[seat.vnode, default: 0] += kib
                given += kib
            }
            left -= given
            open = open.filter { (targets[$0.vnode] ?? 0) < $0.largestBalloonKiB }
            if given > 0 { continue }
            // Less than a grain each is left: one grain each, in order, until there is nothing left.
            for seat in open where left > 0 {
                targets[seat.vnode, default: 0] += seat.grainKiB
                left = less(left, seat.grainKiB)
            }
        }
        return targets
    }
}
