// Pages of the vnode's Linux node that lie outside the vnode: memory that Linux hot-added. The kernel counts it to one of
// its nodes, and hands it out first where it has a zone of its own.
extension PrivcmdMover {
    /// New pages by their slots.
    struct NewSlots {
        /// RAM of the vnode.
        var inside: [Int] = []
        /// RAM of no vnode: it must not be given, because nobody knows which physical node would have less then.
        var outside: [Int] = []
        /// Linux had fewer than were asked for.
        var isShort = false
    }

    /// More would take too long for one step: all of them are cleared.
    private static let outsideAtMost = 64

    /// Acquires pages of the vnode. Those that lie outside stay ours meanwhile, or the kernel would hand out the same ones
    /// again.
    /// - Throws: `.moved` for a page that is no RAM.
    func acquireInside(_ balloon: SlottedBalloon, _ extents: Int) throws(BalloonError) -> NewSlots {
        var new = NewSlots()
        let start = balloon.slots.count
        repeat {
            let first = balloon.slots.count
            try beginMove(balloon, start..<first + extents)
            let frames = try balloon.reserve.acquire(extents)
            for gfn in frames { balloon.slots.append(SlotTable.Slot(.extent(gfn))) }
            if frames.isEmpty { break }
            new.isShort = frames.count < extents
            for slot in first..<first + frames.count {
                guard try isMemory(balloon, slot) else {
                    throw BalloonError(
                        .moved,
                        "frame \(frames[slot - first]) is a new page of Linux and no RAM for Xen; it is left alone",
                        vnode: balloon.vnode.number)
                }
                if isInside(balloon, slot) { new.inside.append(slot) } else { new.outside.append(slot) }
            }
        } while isLooking(balloon, new, extents)
        if wantsDisplaced(balloon), !new.inside.isEmpty {
            balloon.hasLookedForDisplaced = !new.inside.contains { isDisplaced(balloon, $0) }
        }
        return new
    }

    private func isLooking(_ balloon: SlottedBalloon, _ new: NewSlots, _ extents: Int) -> Bool {
        if new.inside.isEmpty { return new.outside.count < Self.outsideAtMost }
        guard wantsDisplaced(balloon), !new.isShort, new.inside.count + new.outside.count < 2 * extents else {
            return false
        }
        return new.inside.count { isDisplaced(balloon, $0) } < extents
    }

    /// Whether a slot's page, where it has one, lies in the vnode. Without virtual NUMA all pages do.
    func isInside(_ balloon: SlottedBalloon, _ slot: Int) -> Bool {
        guard let topology, let gfn = balloon.slots[slot].gfn else { return true }
        return topology.contains(gfn, frames: ExtentBuffer.framesPerExtent, vnode: balloon.vnode.number)
    }

    /// Gives pages outside the vnode back to Linux. What lies at the end of the file is left to the end of the move.
    ///
    /// None of them was ever a hole of ours, so a migration that goes on does not matter.
    func putBack(_ balloon: SlottedBalloon, _ slots: [Int]) throws(BalloonError) {
        let kept = balloon.slots.slotsToKeep()
        let below = slots.filter { $0 < kept && balloon.slots[$0].isRAM }
        if !below.isEmpty { try balloon.punch(below) }
    }
}
