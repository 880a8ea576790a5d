// After a start: what an earlier process had.
extension PinnedPages {
    public func notePagesLost(_ slots: [Int]) {
        mustPutAside = true
        goneSlots.formUnion(slots)
    }

    public func beginRecovery() throws(BalloonError) {
        if file == nil {
            let found = try SlotFile.find(vnode: vnode, kernel, keeper)
            slotCount = try found.contents().slots
            file = found
        }
        let file = try openFile()
        let (slotsBefore, emptyBefore) = (slotCount, empty)
        // Slots beyond those that were there at the start, or that were made since, were never given. Reading them
        // would fill them with pages that an administrator set aside.
        let there = try file.contents().slots
        if there > slotCount {
            try unpin(keeping: slotCount, hasMore: true)
            try file.resize(to: slotCount)
        }
        slotCount = min(slotCount, there)
        empty = empty.filter { $0 < slotCount }
        recovery = PinRecovery()
        (recovery.slotsBefore, recovery.emptyBefore) = (slotsBefore, emptyBefore)
        // All old pins are read before a new one takes the place of any: a process that does not know what there is
        // must change nothing.
        try findOldPins()
        if slotCount > 0 && !isReading { try keepFile() }
    }

    public func recoverNext() throws(BalloonError) -> [SlotPage] {
        let next = recovery.pages.count
        let chunk = next..<min(slotCount, next + kernel.pagesPerPin)
        if chunk.isEmpty { return [] }
        if next == 0 { recovery.pages.reserveCapacity(slotCount) }
        let (pin, found) = try openFile().withMapping(of: chunk, for: .looking(node: node)) {
            (mapping) throws(BalloonError) in try pinAnew(mapping)
        }
        recovery.renewed.append(pin)
        recovery.pages += found
        return found
    }

    public func endRecovery(after move: BrokenMove, isAllBack: Bool) throws(BalloonError) -> Bool {
        let pages = recovery.pages
        // A slot is known to be empty only if every page of the file was seen.
        guard try openFile().contents().pages == pages.count(where: { $0 != .none }) else {
            throw BalloonError(
                .moved, "a page of the balloon's file cannot be looked at; nothing is freed", vnode: vnode)
        }
        empty = Set(pages.indices.filter { pages[$0] == .none })
        if !recovery.isStrayKept { recovery.end(after: move) }
        if recovery.isEarlier, !isReading, !recovery.isStrayKept {
            // The caller notes what the file is like before the old pins go. A process that is killed in between would put
            // all of it aside once more.
            try keepStrayPins()
            recovery.isStrayKept = true
            return false
        }
        if isReading {
            try countStrayPins()
        } else {
            try replacePins(isAllBack: isAllBack)
            // The pool's sum also counts what lost pins hold. Taking that many out would take other programs' free
            // pages.
            if case .noted(let move) = move, asidePins.isEmpty, strayPins == 0 { try takeBackStranded(move) }
        }
        recovery = PinRecovery()
        return true
    }

    /// A kill between growing the pool and faulting, or between shrinking the file and the pool, leaves pages of ours
    /// free in the pool. Takes out at most as many as were in motion, and only what is there beyond the pages that were
    /// not ours.
    private func takeBackStranded(_ interrupted: InterruptedMove) throws(BalloonError) {
        let surplus = try foreignPoolPages() - interrupted.foreignPoolPages
        try removeFromPool(max(0, min(surplus, interrupted.poolPages)))
    }
}
