// Hypercalls on slots, and the conclusions from their counts.
extension PrivcmdMover {
    /// Gives whole RAM slots to Xen.
    ///
    /// A slot is given whole or not at all: where Xen freed only a part of an extent, that part is populated again.
    /// Where Xen counted extents but freed nothing (another domain still has the frames mapped), all of them are
    /// populated again. Xen's count says where it stopped: the slots before that are given and the slots behind it were
    /// not touched. So Xen must be asked about one extent at most.
    /// - Returns: why some slots were not given; nil: all were.
    func give(_ balloon: SlottedBalloon, _ slots: [Int]) throws(BalloonError) -> HeldReason? {
        for slot in slots { precondition(balloon.slots[slot].isRAM, "only RAM of ours is given (I2)") }
        try checkPlace(balloon, slots)
        let before = try hypervisor.currentReservation()
        list(balloon, slots, order: ExtentBuffer.order)
        // The slots are in doubt until Xen has counted them: an error on the way must not leave a belief that is wrong.
        for slot in slots { balloon.slots[slot].holes = nil }
        let done = try hypervisor.decreaseReservation()
        let after = try hypervisor.currentReservation()
        for slot in slots[..<done] { balloon.slots[slot].holes = SlotTable.Slot.frames }
        for slot in slots[done...].dropFirst() { balloon.slots[slot].holes = 0 }
        var part: [UInt64] = []
        if done < slots.count { part = try findHoles(balloon, slots[done]) }
        let fall = before.less(after)
        let isFreed = fall >= Frames(ExtentBuffer.framesPerExtent) * UInt64(done) + Frames(UInt64(part.count))
        if !part.isEmpty { _ = try fill(balloon, slots[done], part) }
        if isFreed {
            noteGiven(balloon, slots[..<done])
            return done == slots.count ? nil : .hypervisorRefused
        }
        if done > 0 { _ = try populate(balloon, Array(slots[..<done])) }
        // Frames that another domain has mapped stay charged to this one until the other domain unmaps them. The
        // reservation will then fall by itself, so the noted total must not be trusted.
        try distrust()
        return .hypervisorRefused
    }

    /// Checks that the pages lie in the vnode before they are given.
    /// - Throws: `.moved`. The pages are RAM, and stay ours until the next step frees them.
    private func checkPlace(_ balloon: SlottedBalloon, _ slots: [Int]) throws(BalloonError) {
        guard let topology else { return }
        let number = balloon.vnode.number
        for slot in slots {
            guard let gfn = balloon.slots[slot].gfn else { continue }
            guard topology.contains(gfn, frames: ExtentBuffer.framesPerExtent, vnode: number) else {
                throw BalloonError(
                    .moved, "frame \(gfn) of the balloon's file is not memory of this vnode", vnode: number)
            }
        }
    }

    /// Gives the RAM frames of a slot that already is part hole, frame by frame.
    func giveRest(_ balloon: SlottedBalloon, _ slot: Int) throws(BalloonError) -> HeldReason? {
        guard let first = balloon.slots[slot].gfn else { return nil }
        try checkPlace(balloon, [slot])
        let holes = Set(try findHoles(balloon, slot))
        if balloon.slots[slot].isStrange { return .hypervisorRefused }
        let frames: [UInt64] = (first..<first + ExtentBuffer.framesPerExtent).filter { !holes.contains($0) }
        let before = try hypervisor.currentReservation()
        hypervisor.extents.reset(order: 0)
        hypervisor.extents.append(frames.span)
        balloon.slots[slot].holes = nil
        let done = try hypervisor.decreaseReservation()
        let after = try hypervisor.currentReservation()
        balloon.slots[slot].holes = holes.count + done
        if before >= after && before - after >= Frames(UInt64(done)) {
            noteGiven(balloon, [slot])
            return done == frames.count ? nil : .hypervisorRefused
        }
        // Another domain still has the frames mapped: Xen freed nothing.
        _ = try fill(balloon, slot, Array(frames[..<done]) + holes)
        try distrust()
        return .hypervisorRefused
    }

    /// Populates given slots with 2 MiB extents.
    ///
    /// - Returns: the slot at which Xen stopped, nil when all is RAM.
    func populate(
        _ balloon: SlottedBalloon, _ slots: [Int], from source: MemorySource = .ownPNode
    ) throws(BalloonError) -> Int? {
        for slot in slots { precondition(balloon.slots[slot].isGiven, "only a hole of ours is populated (I3)") }
        let before = try hypervisor.currentReservation()
        list(balloon, slots, order: ExtentBuffer.order)
        for slot in slots { balloon.slots[slot].holes = nil }
        try checkNotSuspended(balloon)
        let done = try hypervisor.populatePhysmap(vnode: vnodeNumber(balloon), from: source)
        let after = try hypervisor.currentReservation()
        try checkRise(balloon, done: Frames(ExtentBuffer.framesPerExtent) * UInt64(done), before, after)
        for (index, slot) in slots.enumerated() {
            balloon.slots[slot].holes = index < done ? 0 : SlotTable.Slot.frames
        }
        return done < slots.count ? slots[done] : nil
    }

    /// Populates the holes of one slot, frame by frame.
    /// - Parameter known: the slot's holes, where Xen has just been asked; nil: this function asks.
    /// - Returns: why some frames are still holes; nil: all of them are RAM.
    func fill(
        _ balloon: SlottedBalloon, _ slot: Int, _ known: [UInt64]? = nil, from source: MemorySource = .ownPNode
    ) throws(BalloonError) -> HeldReason? {
        guard let first = balloon.slots[slot].gfn else { return nil }
        let whole = first..<first + ExtentBuffer.framesPerExtent
        var holes = known ?? Array(whole)
        if known == nil && !balloon.slots[slot].isGiven {
            holes = try findHoles(balloon, slot)
            // A frame of the slot is neither RAM nor a hole, so the number of holes is not known. A populate count
            // would not show that the rest is RAM.
            if balloon.slots[slot].isStrange { return .hypervisorRefused }
        }
        let before = try hypervisor.currentReservation()
        hypervisor.extents.reset(order: 0)
        hypervisor.extents.append(holes.span)
        balloon.slots[slot].holes = nil
        try checkNotSuspended(balloon)
        let done = try hypervisor.populatePhysmap(vnode: vnodeNumber(balloon), from: source)
        let after = try hypervisor.currentReservation()
        try checkRise(balloon, done: Frames(UInt64(done)), before, after)
        balloon.slots[slot].holes = holes.count - done
        balloon.left = (slot, Array(holes[done...]))
        if done == holes.count { return nil }
        return after >= (try hypervisor.maximumReservation()) ? .maxReservation : .pnodeFull
    }

    /// Xen maps an extent whole or not at all. So the reservation must rise by exactly the frames that Xen counted. If
    /// it does not, all slots must be checked, which takes too long for one step: this throws, and a recovery checks
    /// them in pieces.
    private func checkRise(
        _ balloon: SlottedBalloon, done frames: Frames, _ before: Frames, _ after: Frames
    ) throws(BalloonError) {
        if after >= before && after - before == frames { return }
        throw BalloonError(
            .hypercall, "Xen counted \(frames) frames populated, and the reservation does not say so",
            vnode: balloon.vnode.number)
    }

    /// Asks Xen about all 512 frames of a slot. Where a frame is neither RAM nor a hole, the slot counts as lost and is
    /// left alone from then on.
    /// - Returns: how often Xen was asked.
    @discardableResult
    func probe(_ balloon: SlottedBalloon, _ slot: Int) throws(BalloonError) -> Int {
        guard case .extent = balloon.slots[slot].page else { return 0 }
        _ = try findHoles(balloon, slot)
        return SlotTable.Slot.frames
    }

    /// Does what ``probe(_:_:)`` does.
    /// - Returns: the frames that are holes; none for a slot that is left alone.
    private func findHoles(_ balloon: SlottedBalloon, _ slot: Int) throws(BalloonError) -> [UInt64] {
        guard case .extent(let first) = balloon.slots[slot].page else { return [] }
        balloon.slots[slot].holes = nil
        var holes: [UInt64] = []
        for (place, type) in try hypervisor.memoryTypes(ofExtent: first).enumerated() {
            if type.isHole {
                holes.append(first + UInt64(place))
            } else if !type.isRAM {
                balloon.slots[slot].isStrange = true
                return []
            }
        }
        balloon.slots[slot].holes = holes.count
        return holes
    }

    /// Asks Xen about the first and the last frame of a slot. If both are holes the slot counts as given: at a start
    /// nearly all slots are. Otherwise Xen is asked about every frame, because a slot that is RAM may be freed.
    /// - Returns: how often Xen was asked.
    func probeQuickly(_ balloon: SlottedBalloon, _ slot: Int) throws(BalloonError) -> Int {
        guard case .extent(let first) = balloon.slots[slot].page else { return 0 }
        balloon.slots[slot].holes = nil
        guard try hypervisor.memoryTypes(atEndsOf: first).allSatisfy(\.isHole) else {
            return try probe(balloon, slot) + 2
        }
        balloon.slots[slot].holes = SlotTable.Slot.frames
        return 2
    }

    private func list(_ balloon: SlottedBalloon, _ slots: [Int], order: Int) {
        hypervisor.extents.reset(order: order)
        for slot in slots {
            guard case .extent(let gfn) = balloon.slots[slot].page else {
                preconditionFailure("a slot without a page is never moved")
            }
            hypervisor.extents.append(gfn)
        }
    }

    /// The vnode's number for Xen; nil without vNUMA, where Xen would ignore it.
    func vnodeNumber(_ balloon: SlottedBalloon) -> Int? { topology == nil ? nil : balloon.vnode.number }
}
