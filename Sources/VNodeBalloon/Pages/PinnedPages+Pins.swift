// Each page that may be a hole is in a pin, here and at the keeper's, from before it is given until it is memory again.
//
// Growing needs a descriptor and an answer of the keeper for each new chunk. Shrinking needs neither: descriptors that
// are open already let go of pages.
extension PinnedPages {
    /// Names contain the file's inode: pins of a removed file must not be replaced by those of a new one.
    func name(ofChunk chunk: Int) -> String { pinPrefix + "\(chunk)" }
    var pinPrefix: String { "vnode\(vnode).\(file?.inode ?? 0).pin" }
    var spareName: String { "vnode\(vnode).\(file?.inode ?? 0).spare" }

    private func isPinned(_ slot: Int) -> Bool { !empty.contains(slot) && !unpinned.contains(slot) }

    private func pinned(in slots: Range<Int>) -> Int { slots.count { isPinned($0) } }

    var pagesPerPin: Int { kernel.pagesPerPin }

    private func slots(ofChunk chunk: Int) -> Range<Int> { chunk * pagesPerPin..<(chunk + 1) * pagesPerPin }

    /// Makes the spare pin, with which other pins are rewritten. It must be there before anything is given that may
    /// have to be unpinned.
    func keepSpare() throws(BalloonError) {
        guard spare == nil else { return }
        let new = try Pin(kernel)
        try keeper.keep(spareName, new.readEnd)
        spare = new
    }

    // MARK: Growing

    /// Pins mapped slots, behind those that are pinned. Each pin is kept before anything in it can be given.
    func pin(_ slots: Range<Int>, in mapping: any SlotMapping) throws(BalloonError) {
        try settleSpare()
        var slot = slots.lowerBound
        while slot < slots.upperBound {
            let chunk = slot / pagesPerPin
            let end = min(slots.upperBound, (chunk + 1) * pagesPerPin)
            let isNew = chunk == pins.count
            if isNew {
                let new = try Pin(kernel)
                if chunk > 0 { pins[chunk - 1].close() }
                pins.append(new)
            } else {
                // A pin that a page is added to must be the one that the keeper has, and whole.
                let before = chunk * pagesPerPin..<slot
                if try pins[chunk].count() != pinned(in: before) { try pinAgain(before) }
                try pins[chunk].open()
            }
            for slot in slot..<end { try pins[chunk].add(slot, mapping) }
            if isNew { try keeper.keep(name(ofChunk: chunk), pins[chunk].readEnd) }
            slot = end
        }
    }

    private func notWhole(_ chunk: Int) -> BalloonError {
        BalloonError(.moved, "pin \(chunk) does not hold the pages that it should", vnode: vnode)
    }

    // MARK: Shrinking

    /// Unpins all but the first slots.
    /// - Parameter hasMore: the pins may hold pages behind the last slot, too, which were just added.
    func unpin(keeping slots: Int, hasMore: Bool = false) throws(BalloonError) {
        try settleSpare()
        let last = (slots + pagesPerPin - 1) / pagesPerPin
        // The last one first: there is never a gap.
        while pins.count > last {
            let chunk = pins.count - 1
            try pins[chunk].clear()
            pins.removeLast()
            keeper.drop(name(ofChunk: chunk))
        }
        guard slots % pagesPerPin != 0, last == pins.count else { return }
        let rest = (last - 1) * pagesPerPin..<slots
        let (kept, count) = (pinned(in: rest), try pins[last - 1].count())
        // Another program may have taken a page out of the pin: then its pages are not where they should be.
        let all = pinned(in: self.slots(ofChunk: last - 1).clamped(to: 0..<slotCount))
        guard hasMore ? count >= kept : count == all else { return try pinAgain(rest) }
        if count == kept { return }
        guard spare != nil else { return try pinAgain(rest) }
        try rewrite(last - 1, keeping: (0..<count).map { $0 < kept })
    }

    /// Before a page leaves the file: its pin must be one that it can be taken out of.
    func makeWhole(chunkOf slot: Int) throws(BalloonError) {
        guard isPinned(slot) else { return }
        try settleSpare()
        let chunk = slot / pagesPerPin
        let slots = slots(ofChunk: chunk).clamped(to: 0..<slotCount)
        if try pins[chunk].count() != pinned(in: slots) { try pinAgain(slots) }
    }

    /// Unpins one slot among others.
    func unpin(_ slot: Int) throws(BalloonError) {
        guard isPinned(slot) else { return }
        try settleSpare()
        let chunk = slot / pagesPerPin
        let slots = slots(ofChunk: chunk).clamped(to: 0..<slotCount)
        let count = try pins[chunk].count()
        guard count == pinned(in: slots), spare != nil else { return try pinAgain(slots, leavingOut: slot) }
        let place = pinned(in: slots.lowerBound..<slot)
        try rewrite(chunk, keeping: (0..<count).map { $0 != place })
    }

    /// After a rewrite that broke off, the spare pin may hold pages that no other pin has: all of that chunk is pinned
    /// anew.
    func settleSpare() throws(BalloonError) {
        guard let chunk = rewritten else { return }
        if chunk < pins.count { try pinAgain(slots(ofChunk: chunk).clamped(to: 0..<slotCount)) }
        try spare?.clear()
        rewritten = nil
    }

    private func rewrite(_ chunk: Int, keeping: [Bool]) throws(BalloonError) {
        guard let spare else { throw notWhole(chunk) }
        let last = pins.count - 1
        // Only the last chunk's pin needs an open write end: it closes its own until this pin is rewritten.
        if chunk != last { pins[last].close() }
        defer {
            if chunk != last {
                pins[chunk].close()
                try? pins[last].open()
            }
        }
        try pins[chunk].open()
        rewritten = chunk
        try pins[chunk].rewrite(through: spare, keeping: keeping)
        rewritten = nil
    }

    /// Pins the slots of a chunk in a new pin, which takes the old one's place.
    private func pinAgain(_ slots: Range<Int>, leavingOut left: Int? = nil) throws(BalloonError) {
        let chunk = slots.lowerBound / pagesPerPin
        let renewed = try openFile().withMapping(of: slots, for: .looking(node: node)) {
            (mapping) throws(BalloonError) in
            let pin = try Pin(kernel)
            for slot in slots where isPinned(slot) && slot != left {
                // Without all of them the old pin must stay.
                guard try mapping.look(slot) == .mapped else { throw notWhole(chunk) }
                try pin.add(slot, mapping)
            }
            return pin
        }
        let old = pins[chunk]
        try keeper.keep(name(ofChunk: chunk), renewed.readEnd)
        pins[chunk] = renewed
        try old.clear()
    }
}
