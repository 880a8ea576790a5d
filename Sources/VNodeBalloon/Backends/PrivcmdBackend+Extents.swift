// Hypercalls on slots, and what to make of their counts.
extension PrivcmdBackend {
    /// Gives whole RAM slots to Xen.
    ///
    /// All or nothing a slot: a part of an extent is taken back. Where nothing was freed although Xen counted (another
    /// domain still has the frames mapped), all of it is.
    /// - Returns: why it was not all, if it was not.
    func give(_ holding: Holding, _ slots: [Int]) throws(BalloonError) -> HeldReason? {
        try checkPlace(holding, slots)
        let before = try hypervisor.currentReservation()
        list(holding, slots, order: ExtentBuffer.order)
        // In doubt until they are counted: an error on the way must not leave a belief behind.
        for slot in slots { holding.slots[slot].holes = nil }
        let done = try hypervisor.decreaseReservation()
        let after = try hypervisor.currentReservation()
        let fall = before >= after ? before - after : 0
        let counted = UInt64(done) * ExtentBuffer.framesPerExtent
        if done == slots.count && fall == counted {
            for slot in slots { holding.slots[slot].holes = SlotTable.Slot.frames }
            return nil
        }
        if try believeShort(holding, slots, done, fall: fall, counted: counted) { return .hypervisorRefused }
        for slot in slots { try probe(holding, slot) }
        let holes = slots.reduce(0) { $0 + UInt64(holding.slots[$1].holes ?? 0) }
        let isFreed = before >= after && fall >= holes
        for slot in slots where holding.slots[slot].isMixed || holding.slots[slot].isGiven && !isFreed {
            _ = try fill(holding, slot)
        }
        // Frames that another domain has mapped are charged until it lets go: the reservation falls by itself some day.
        if !isFreed { try distrust() }
        return .hypervisorRefused
    }

    /// A short count says where Xen stopped: what comes before is given, what comes behind was not touched. Where the
    /// reservation fell by just that, and by the part of the extent at which Xen stopped, no other slot is asked about.
    /// - Returns: whether it adds up.
    private func believeShort(
        _ holding: Holding, _ slots: [Int], _ done: Int, fall: UInt64, counted: UInt64
    ) throws(BalloonError) -> Bool {
        guard done < slots.count, fall >= counted, fall - counted < ExtentBuffer.framesPerExtent else { return false }
        try probe(holding, slots[done])
        guard let part = holding.slots[slots[done]].holes, UInt64(part) == fall - counted else { return false }
        for slot in slots[..<done] { holding.slots[slot].holes = SlotTable.Slot.frames }
        for slot in slots[(done + 1)...] { holding.slots[slot].holes = 0 }
        if part > 0 { _ = try fill(holding, slots[done]) }
        return true
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
        // Another domain still has the frames: nothing was freed.
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
        // Xen maps an extent whole or not at all, so what the reservation rose by is what it counted, or something is
        // wrong.
        let isExact = after >= before && after - before == UInt64(done) * ExtentBuffer.framesPerExtent
        guard isExact else {
            // To ask about all of them takes too long for one step: a recovery does it, in pieces.
            throw BalloonError(
                .hypercall, "Xen counted \(done) extents populated, and the reservation does not say so",
                vnode: holding.vnode.number)
        }
        for (index, slot) in slots.enumerated() {
            holding.slots[slot].holes = index < done ? 0 : SlotTable.Slot.frames
        }
        return done < slots.count ? slots[done] : nil
    }

    /// Populates what is a hole in one slot, frame by frame.
    /// - Returns: why some of it still is one, if so.
    func fill(_ holding: Holding, _ slot: Int) throws(BalloonError) -> HeldReason? {
        let holes = try holes(of: holding, slot)
        let before = try hypervisor.currentReservation()
        hypervisor.extents.reset(order: 0)
        hypervisor.extents.append(holes.span)
        holding.slots[slot].holes = nil
        try checkNotSuspended(holding)
        let done = try hypervisor.populatePhysmap(vnode: vnodeNumber(holding))
        let after = try hypervisor.currentReservation()
        if done == holes.count && after >= before && after - before == UInt64(done) {
            holding.slots[slot].holes = 0
            return nil
        }
        try probe(holding, slot)
        if done == holes.count { return nil }
        let isFull = try hypervisor.currentReservation() >= hypervisor.maximumReservation()
        return isFull ? .maxReservation : .pnodeFull
    }

    /// Asks Xen about all 512 frames of a slot. Where one is neither RAM nor a hole, the slot is left alone from now on.
    /// - Returns: how often Xen was asked.
    @discardableResult
    func probe(_ holding: Holding, _ slot: Int) throws(BalloonError) -> Int {
        guard case .extent(let first) = holding.slots[slot].page else { return 0 }
        holding.slots[slot].holes = nil
        var holes = 0
        for gfn in first..<first + ExtentBuffer.framesPerExtent {
            let type = try hypervisor.memoryType(of: gfn)
            guard type.isRAM || type.isHole else {
                holding.slots[slot].isStrange = true
                return Int(gfn - first) + 1
            }
            holes += type.isHole ? 1 : 0
        }
        holding.slots[slot].holes = holes
        return SlotTable.Slot.frames
    }

    /// Asks about the first and the last frame only where both are holes. RAM may be freed, and so every frame of it is
    /// asked about; at a start nearly all slots are holes.
    /// - Returns: how often Xen was asked.
    func probeQuickly(_ holding: Holding, _ slot: Int) throws(BalloonError) -> Int {
        guard case .extent(let first) = holding.slots[slot].page else { return 0 }
        holding.slots[slot].holes = nil
        let one = try hypervisor.memoryType(of: first)
        let other = try hypervisor.memoryType(of: first + ExtentBuffer.framesPerExtent - 1)
        guard one.isHole && other.isHole else { return try probe(holding, slot) + 2 }
        holding.slots[slot].holes = SlotTable.Slot.frames
        return 2
    }

    /// Of a given slot every frame is one.
    private func holes(of holding: Holding, _ slot: Int) throws(BalloonError) -> [UInt64] {
        guard holding.slots[slot].isGiven, let first = holding.slots[slot].gfn else {
            return try frames(of: holding, slot, where: \.isHole)
        }
        return Array(first..<first + ExtentBuffer.framesPerExtent)
    }

    private func frames(
        of holding: Holding, _ slot: Int, where matches: (MemoryType) -> Bool
    ) throws(BalloonError) -> [UInt64] {
        guard let first = holding.slots[slot].gfn else { return [] }
        var frames: [UInt64] = []
        for gfn in first..<first + ExtentBuffer.framesPerExtent {
            let type = try hypervisor.memoryType(of: gfn)
            guard type.isRAM || type.isHole else {
                throw BalloonError(
                    .moved, "frame \(gfn) is neither RAM nor a hole (type \(type.rawValue)); it is left alone",
                    vnode: holding.vnode.number)
            }
            if matches(type) { frames.append(gfn) }
        }
        return frames
    }

    private func list(_ holding: Holding, _ slots: [Int], order: Int) {
        hypervisor.extents.reset(order: order)
        for slot in slots {
            guard case .extent(let gfn) = holding.slots[slot].page else {
                preconditionFailure("a slot without a page is never moved")
            }
            hypervisor.extents.append(gfn)
        }
    }

    /// What Xen calls the vnode, nil where there is no vNUMA and the flag would be ignored.
    func vnodeNumber(_ holding: Holding) -> Int? { topology == nil ? nil : holding.vnode.number }
}
