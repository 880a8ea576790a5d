// Memory of another physical node, where the toolstack allows it and the vnode's own has no more.
extension PrivcmdMover {
    public func otherPNodeFrames(vnode: Int) -> Frames? { displaced?.sum(vnode: vnode) }

    /// Extents of one step. A single one may have to be populated frame by frame.
    private static let elsewhereAtOnce = 16

    /// Populates slots from whatever physical node has memory. They are noted before.
    /// - Returns: why it was not all, if it was not.
    func takeElsewhere(_ balloon: SlottedBalloon, _ slots: [Int]) throws(BalloonError) -> HeldReason? {
        guard vnodesAllowed.contains(balloon.vnode.number), let displaced, !displaced.isFull else { return .pnodeFull }
        let slots = Array(slots.filter { balloon.slots[$0].isTakeable }.prefix(Self.elsewhereAtOnce))
        let noted = holes(balloon, slots)
        do throws(BalloonError) { try displaced.add(noted) } catch {
            // Memory that the next process would not know of is not taken.
            warning = error
            return .pnodeFull
        }
        let obstacle = try populateElsewhere(balloon, slots)
        // After an error on the way the note stays: it may be too much, and is never too little.
        forgiving { () throws(BalloonError) in try displaced.subtract(holes(balloon, slots)) }
        // After a mixed slot alone nothing was said yet of how many go at once.
        if obstacle == nil { balloon.populateExtents = 2 * min(balloon.populateExtents, Self.elsewhereAtOnce / 2) }
        return obstacle
    }

    private func populateElsewhere(_ balloon: SlottedBalloon, _ slots: [Int]) throws(BalloonError) -> HeldReason? {
        let whole = Array(slots.prefix { balloon.slots[$0].isGiven })
        if whole.isEmpty, let slot = slots.first {
            // To ask Xen about all frames once more would take too long for one step.
            let known = balloon.left.flatMap { $0.slot == slot ? $0.frames : nil }
            return try fill(balloon, slot, known, from: .anyPNode)
        }
        guard let short = try populate(balloon, whole, from: .anyPNode) else { return nil }
        return try fill(balloon, short, from: .anyPNode)
    }

    private func holes(_ balloon: SlottedBalloon, _ slots: [Int]) -> [(gfn: UInt64, frames: Int)] {
        slots.compactMap { index in
            let slot = balloon.slots[index]
            guard let gfn = slot.gfn, let holes = slot.holes, holes > 0 else { return nil }
            return (gfn, holes)
        }
    }

    /// Slots all of whose memory Xen has: that of another physical node went back.
    func noteGiven(_ balloon: SlottedBalloon, _ slots: some Sequence<Int>) {
        guard let displaced else { return }
        let given = slots.compactMap { balloon.slots[$0].isGiven ? balloon.slots[$0].gfn : nil }
        forgiving { () throws(BalloonError) in try displaced.forget(given) }
    }

    /// A note that is too much does no harm.
    private func forgiving(_ body: () throws(BalloonError) -> Void) {
        do throws(BalloonError) { try body() } catch { warning = error }
    }

    // MARK: Inflate

    /// Whether pages of other physical nodes are looked for among the next ones that Linux hands out.
    func wantsDisplaced(_ balloon: SlottedBalloon) -> Bool {
        guard let displaced, !balloon.hasLookedForDisplaced else { return false }
        return displaced.sum(vnode: balloon.vnode.number) > .zero
    }

    func isDisplaced(_ balloon: SlottedBalloon, _ slot: Int) -> Bool {
        balloon.slots[slot].gfn.map { displaced?.contains($0) == true } ?? false
    }

    /// Those that have memory of another physical node first.
    func displacedFirst(_ balloon: SlottedBalloon, _ slots: [Int]) -> [Int] {
        let first = slots.filter { isDisplaced(balloon, $0) }
        return first + slots.filter { !isDisplaced(balloon, $0) }
    }
}
