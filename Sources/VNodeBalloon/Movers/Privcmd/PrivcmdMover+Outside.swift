// Deals with pages of the vnode's Linux node that lie outside the vnode: memory that Linux hot-added. The kernel adds
// it to one of its nodes. Where it forms a zone of its own, the kernel hands out its pages first.
extension PrivcmdMover {
    /// New pages by their slots.
    struct NewSlots {
        /// RAM of the vnode.
        var inside: [Int] = []
        /// RAM of no vnode. It must not be given: nobody knows which physical node would then have less memory.
        var outside: [Int] = []
        /// Linux had fewer pages than were asked for.
        var isShort = false
    }

    /// The most such pages in one step: the kernel clears each page that it hands out, and more would take too long.
    private static let outsideAtMost = 64

    /// Acquires pages of the vnode. Pages that lie outside stay ours until ``putBack(_:_:)``: otherwise the kernel
    /// would hand out the same ones again.
    /// - Throws: `.moved` for a page that is not RAM for Xen.
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

    /// Whether the page of a slot lies in the vnode. A slot without a page counts as inside. Without virtual NUMA every
    /// page lies in vnode 0.
    func isInside(_ balloon: SlottedBalloon, _ slot: Int) -> Bool {
        guard let topology, let gfn = balloon.slots[slot].gfn else { return true }
        return topology.contains(gfn, frames: ExtentBuffer.framesPerExtent, vnode: balloon.vnode.number)
    }

    /// Gives pages outside the vnode back to Linux. The end of the move frees those at the end of the file.
    ///
    /// None of these pages was ever a hole of ours, so they may be freed during a migration, too.
    func putBack(_ balloon: SlottedBalloon, _ slots: [Int]) throws(BalloonError) {
        let kept = balloon.slots.slotsToKeep()
        let below = slots.filter { $0 < kept && balloon.slots[$0].isRAM }
        try punch(balloon, below)
    }
}
