// Hypercalls on slots, and what to make of their counts.
extension PrivcmdBackend {
    /// Gives whole RAM slots to Xen.
    ///
    /// All or nothing a slot: a part of an extent is taken back. Where nothing was freed although Xen counted (somebody
    /// else still has the frames mapped), all of it is.
    /// - Returns: why it was not all, if it was not.
    func give(_ holding: Holding, _ slots: [Int]) throws(BalloonError) -> HeldReason? {
        try checkPlace(holding, slots)
        let before = try hypervisor.currentReservation()
        list(holding, slots, order: ExtentBuffer.order)
        // In doubt until they are counted: an error on the way must not leave a belief behind.
        for slot in slots { holding.slots[slot].holes = nil }
        let done = try hypervisor.decreaseReservation()
        let after = try hypervisor.currentReservation()
        let counted = UInt64(done) * ExtentBuffer.framesPerExtent
        if done == slots.count && before >= after && before - after == counted {
            for slot in slots { holding.slots[slot].holes = Holding.Slot.frames }
            return nil
        }
        for slot in slots { try probe(holding, slot) }
        let holes = slots.reduce(0) { $0 + UInt64(holding.slots[$1].holes ?? 0) }
        let isFreed = before >= after && before - after >= holes
        for slot in slots where !holding.slots[slot].isRAM && !(isFreed && holding.slots[slot].isGiven) {
            _ = try fill(holding, slot)
        }
        // Frames that others have mapped are charged until they let go: the reservation falls by itself some day.
        if !isFreed { try distrust() }
        return .hypervisorRefused
    }

    /// Checks that pages lie in the vnode before they are given.
    /// - Throws: `.moved`. The pages are RAM and stay ours until the next step frees them.
    private func checkPlace(_ holding: Holding, _ slots: [Int]) throws(BalloonError) {
        guard let topology else { return }
        let number = holding.vnode.number
        for slot in slots {
            guard let gfn = holding.slots[slot].gfn else { continue }
            guard topology.contains(gfn, frames: ExtentBuffer.framesPerExtent, vnode: number) else {
                throw BalloonError(
                    .moved, "frame \(gfn) of the balloon's file is not memory of this vnode", vnode: number)
            }
        }
    }

    /// Gives the RAM frames of a slot that is part hole, one by one.
    func giveRest(_ holding: Holding, _ slot: Int) throws(BalloonError) -> HeldReason? {
        try checkPlace(holding, [slot])
        let frames = try frames(of: holding, slot, where: \.isRAM)
        let before = try hypervisor.currentReservation()
        hypervisor.extents.reset(order: 0)
        hypervisor.extents.append(frames.span)
        holding.slots[slot].holes = nil
        let done = try hypervisor.decreaseReservation()
        let after = try hypervisor.currentReservation()
        try probe(holding, slot)
        if before >= after && before - after >= UInt64(done) { return done == frames.count ? nil : .hypervisorRefused }
        // Somebody else still has the frames: nothing was freed.
        _ = try fill(holding, slot)
        try distrust()
        return .hypervisorRefused
    }

    /// Populates given slots with 2 MiB extents from the vnode's node.
    ///
    /// - Returns: the slot at which Xen stopped, nil when all is RAM.
    func populate(_ holding: Holding, _ slots: [Int]) throws(BalloonError) -> Int? {
        let before = try hypervisor.currentReservation()
        list(holding, slots, order: ExtentBuffer.order)
        for slot in slots { holding.slots[slot].holes = nil }
        try checkNotSuspended(holding)
        let done = try hypervisor.populatePhysmap(vnode: vnodeNumber(holding))
        let after = try hypervisor.currentReservation()
        let isExact = after >= before && after - before == UInt64(done) * ExtentBuffer.framesPerExtent
        for (index, slot) in slots.enumerated() {
            if index < done && isExact {
                holding.slots[slot].holes = 0
            } else {
                try probe(holding, slot)
            }
        }
        return done < slots.count ? slots[done] : nil
    }

    /// Populates what is a hole in one slot, frame by frame.
    /// - Returns: why some of it still is one, if so.
    func fill(_ holding: Holding, _ slot: Int) throws(BalloonError) -> HeldReason? {
        if holding.slots[slot].isGiven, try populate(holding, [slot]) == nil { return nil }
        let holes = try frames(of: holding, slot, where: \.isHole)
        hypervisor.extents.reset(order: 0)
        hypervisor.extents.append(holes.span)
        holding.slots[slot].holes = nil
        try checkNotSuspended(holding)
        let done = try hypervisor.populatePhysmap(vnode: vnodeNumber(holding))
        try probe(holding, slot)
        if done == holes.count { return nil }
        let isFull = try hypervisor.currentReservation() >= hypervisor.maximumReservation()
        return isFull ? .maxReservation : .pnodeFull
    }

    /// Asks Xen about all 512 frames of a slot.
    /// - Throws: `.moved` when one is neither RAM nor a hole: the slot stays in doubt, and untouched.
    func probe(_ holding: Holding, _ slot: Int) throws(BalloonError) {
        holding.slots[slot].holes = nil
        guard let first = holding.slots[slot].gfn else { return }
        var holes = 0
        for gfn in first..<first + ExtentBuffer.framesPerExtent {
            holes += try knownType(of: gfn, holding).isHole ? 1 : 0
        }
        holding.slots[slot].holes = holes
    }

    /// Asks about the first and the last frame only where both are holes. RAM may be freed, and so every frame of it is
    /// asked about; at a start nearly all slots are holes.
    func probeQuickly(_ holding: Holding, _ slot: Int) throws(BalloonError) {
        holding.slots[slot].holes = nil
        guard let first = holding.slots[slot].gfn else { return }
        let one = try knownType(of: first, holding)
        let other = try knownType(of: first + ExtentBuffer.framesPerExtent - 1, holding)
        guard one.isHole && other.isHole else { return try probe(holding, slot) }
        holding.slots[slot].holes = Holding.Slot.frames
    }

    private func knownType(of gfn: UInt64, _ holding: Holding) throws(BalloonError) -> MemoryType {
        let type = try hypervisor.memoryType(of: gfn)
        if type.isRAM || type.isHole { return type }
        throw BalloonError(
            .moved, "frame \(gfn) is neither RAM nor a hole (type \(type.rawValue)); it is left alone",
            vnode: holding.vnode.number)
    }

    private func frames(
        of holding: Holding, _ slot: Int, where matches: (MemoryType) -> Bool
    ) throws(BalloonError) -> [UInt64] {
        guard let first = holding.slots[slot].gfn else { return [] }
        var frames: [UInt64] = []
        for gfn in first..<first + ExtentBuffer.framesPerExtent where matches(try knownType(of: gfn, holding)) {
            frames.append(gfn)
        }
        return frames
    }

    private func list(_ holding: Holding, _ slots: [Int], order: Int) {
        hypervisor.extents.reset(order: order)
        for slot in slots {
            guard let gfn = holding.slots[slot].gfn else { preconditionFailure("a slot without a page is never moved") }
            hypervisor.extents.append(gfn)
        }
    }

    /// What Xen calls the vnode, nil where there is no vNUMA and the flag would be ignored.
    func vnodeNumber(_ holding: Holding) -> Int? { topology == nil ? nil : holding.vnode.number }
}
