// Takes memory from another physical node, where the toolstack allows it and the vnode's own node has no more.
extension PrivcmdMover {
    public func otherPNodeFrames(vnode: Int) -> Frames? { displaced?.sum(vnode: vnode) }

    /// The most extents in one step. A single one may have to be populated frame by frame.
    private static let elsewhereAtOnce = 16

    /// Notes the slots, then populates them from any physical node that has memory.
    /// - Returns: why some slots are still holes; nil: all of them are RAM.
    func takeElsewhere(_ balloon: SlottedBalloon, _ slots: [Int]) throws(BalloonError) -> HeldReason? {
        guard vnodesAllowed.contains(balloon.vnode.number), let displaced, !displaced.isFull else { return .pnodeFull }
        let slots = Array(slots.filter { balloon.slots[$0].isTakeable }.prefix(Self.elsewhereAtOnce))
        let noted = holes(balloon, slots)
        do throws(BalloonError) { try displaced.add(noted) } catch {
            // Without the note the next process would not know of this memory, so none is taken.
            warning = error
            return .pnodeFull
        }
        let obstacle = try populateElsewhere(balloon, slots)
        // After an error in the populate the note stays as it is. It may then count too many frames, but never too few.
        forgiving { () throws(BalloonError) in try displaced.subtract(holes(balloon, slots)) }
        // Success with one mixed slot says nothing about how many extents can go at once, so the number only grows
        // slowly.
        if obstacle == nil { balloon.populateExtents = 2 * min(balloon.populateExtents, Self.elsewhereAtOnce / 2) }
        return obstacle
    }

    private func populateElsewhere(_ balloon: SlottedBalloon, _ slots: [Int]) throws(BalloonError) -> HeldReason? {
        let whole = Array(slots.prefix { balloon.slots[$0].isGiven })
        if whole.isEmpty, let slot = slots.first {
            // Asking Xen about all frames once more would take too long for one step.
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

    /// Forgets the notes of slots that were given whole: their memory of another physical node went back to Xen.
    func noteGiven(_ balloon: SlottedBalloon, _ slots: some Sequence<Int>) {
        guard let displaced else { return }
        let given = slots.compactMap { balloon.slots[$0].isGiven ? balloon.slots[$0].gfn : nil }
        forgiving { () throws(BalloonError) in try displaced.forget(given) }
    }

    /// Turns a failure to shorten the notes into a warning: a note that counts too many frames does no harm.
    private func forgiving(_ body: () throws(BalloonError) -> Void) {
        do throws(BalloonError) { try body() } catch { warning = error }
    }

    // MARK: Inflate

    /// Whether to search the pages that Linux hands out next for pages with memory of other physical nodes.
    func wantsDisplaced(_ balloon: SlottedBalloon) -> Bool {
        guard let displaced, !balloon.hasLookedForDisplaced else { return false }
        return displaced.sum(vnode: balloon.vnode.number) > .zero
    }

    func isDisplaced(_ balloon: SlottedBalloon, _ slot: Int) -> Bool {
        balloon.slots[slot].gfn.map { displaced?.contains($0) == true } ?? false
    }

    /// The slots in a new order: those with memory of another physical node come first.
    func displacedFirst(_ balloon: SlottedBalloon, _ slots: [Int]) -> [Int] {
        let first = slots.filter { isDisplaced(balloon, $0) }
        return first + slots.filter { !isDisplaced(balloon, $0) }
    }
}
