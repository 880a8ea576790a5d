/// Splits one size for a whole domain into targets of its vnodes. Pure.
public enum BalloonSplit {
    /// - Parameter isEven: takes the same from each vnode, as far as each has that much; otherwise in proportion to
    ///   their sizes.
    /// - Throws: `.usage` where the total is more than the domain may give.
    public static func targets(_ domain: HostDomain, total: KiB, isEven: Bool) throws(BalloonError) -> [Int: KiB] {
        let vnodes = domain.vnodes
        let most = vnodes.reduce(KiB.zero) { $0 + ($1.size - $1.minimum).roundedDown(to: $1.grain) }
        guard total <= most else {
            throw BalloonError(
                .usage,
                "domain \(domain.id) (\(domain.name)) can give \(Size.text(most)) at most:"
                    + " `balloonctl host limits` says what it keeps")
        }
        // Each vnode's balloon is taken as empty, so its slack is all that it may give.
        let seats = vnodes.map { vnode in
            Seat(
                domain: UInt16(truncatingIfNeeded: vnode.number), vnode: vnode.number, size: vnode.size,
                minimum: isEven ? vnode.minimum : .zero, maximum: vnode.size, balloon: .zero, grain: vnode.grain)
        }
        var targets = Dictionary(uniqueKeysWithValues: vnodes.map { ($0.number, KiB.zero) })
        if isEven { return even(total, seats) }
        let plan = FreePlan(freeing: total, from: seats, spread: .even)
        for change in plan.changes { targets[seats[change.seat].vnode] = change.target }
        let isBelow = vnodes.contains { $0.size - min(targets[$0.number] ?? .zero, $0.size) < $0.minimum }
        // If the proportional split put a vnode below its minimum, the split goes by what each vnode may give.
        return isBelow ? bySlack(total, vnodes) : targets
    }

    private static func bySlack(_ total: KiB, _ vnodes: [HostVNode]) -> [Int: KiB] {
        let seats = vnodes.map { vnode in
            Seat(
                domain: 0, vnode: vnode.number, size: vnode.size, minimum: vnode.minimum, maximum: vnode.size,
                balloon: .zero, grain: vnode.grain)
        }
        var targets = Dictionary(uniqueKeysWithValues: vnodes.map { ($0.number, KiB.zero) })
        for change in FreePlan(freeing: total, from: seats, spread: .even).changes {
            targets[seats[change.seat].vnode] = change.target
        }
        return targets
    }

    /// Fills all balloons equally. A vnode that has its largest balloon drops out, and the others share the rest.
    private static func even(_ total: KiB, _ seats: [Seat]) -> [Int: KiB] {
        var targets = Dictionary(uniqueKeysWithValues: seats.map { ($0.vnode, KiB.zero) })
        var left = total
        var open = seats
        while left > .zero && !open.isEmpty {
            let part = left / UInt64(open.count)
            var given: KiB = .zero
            for seat in open {
                let room = seat.largestBalloon - (targets[seat.vnode] ?? .zero)
                let kib = min(part.roundedDown(to: seat.grain), room)
                targets[seat.vnode, default: .zero] += kib
                given += kib
            }
            left -= given
            open = open.filter { (targets[$0.vnode] ?? .zero) < $0.largestBalloon }
            if given > .zero { continue }
            // Less than one grain for each is left: the vnodes get one grain each, in order, until nothing is left.
            for seat in open where left > .zero {
                targets[seat.vnode, default: .zero] += seat.grain
                left = left.less(seat.grain)
            }
        }
        return targets
    }
}
