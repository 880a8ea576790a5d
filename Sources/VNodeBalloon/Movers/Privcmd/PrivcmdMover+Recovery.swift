// Finds out what is true by asking Xen, a bounded piece at a time: after a start, a kill, a resume or an error, and
// when another program changed a file.
extension PrivcmdMover {
    /// The most probes in one piece, at 23 us each. A piece may go over it by one extent.
    private static let probesAtOnce = 256

    public func beginRecovery(vnode: Int, _ scope: RecoveryScope) throws(BalloonError) {
        guard let balloon = balloons[vnode] else { return }
        if scope == .doubts, balloon.isKnown, balloon.recovery == nil, try isFileWhole(balloon) {
            balloon.recovery = Recovery(stage: .doubts(next: 0))
            return
        }
        let line = intents.line(vnode: vnode)
        var recovery = Recovery(stage: .pages)
        if case .moving(let move) = line { recovery.interrupted = move }
        if case .quiet(let file) = line { recovery.file = file }
        recovery.isUnreadable = line == .unreadable
        balloon.isKnown = false
        (balloon.isWaiting, balloon.unsent) = (false, [])
        // The recovery was broken off after these extents were populated and before anyone asked whether the domain was
        // log-dirty. So they count as lost again.
        balloon.lost += balloon.filled
        balloon.filled = []
        // Noted before anything is read: a suspend during the reading makes what was read before it worthless.
        balloon.suspension = hypervisor.suspension()
        if scope == .frames, balloon.hasPages {
            // A suspend leaves pages, pins and pool as they were. Only Xen's memory behind them may have changed.
            recovery.stage = .slots(next: 0)
            balloon.recovery = recovery
            return
        }
        balloon.hasPages = false
        balloon.recovery = nil
        try balloon.reserve.beginRecovery()
        balloon.recovery = recovery
    }

    public func continueRecovery(vnode: Int) throws(BalloonError) -> RecoveryProgress {
        guard let balloon = balloons[vnode] else { return .done }
        // Copies only the stage out of the recovery: a second reference to its tables would make each piece copy them.
        guard let stage = balloon.recovery?.stage else {
            if balloon.isSettled { return .done }
            throw BalloonError(.looking, "the balloon was not audited yet", vnode: vnode)
        }
        switch stage {
        case .pages: try readPages(balloon)
        case .lost(let next): try bringBackNextLost(balloon, next)
        case .pins(let isAllBack): try replacePins(balloon, isAllBack: isAllBack)
        case .slots(let next): try probeSlots(balloon, from: next)
        case .sum: return try compareSum(balloon)
        case .everyFrame(let next): try probeEveryFrame(balloon, from: next)
        case .doubts(let next): try probeDoubts(balloon, from: next)
        }
        return balloon.recovery == nil ? .done : progress(balloon)
    }

    public func abandonRecovery(vnode: Int) {
        guard let balloon = balloons[vnode] else { return }
        balloon.recovery = nil
        balloon.isKnown = false
    }

    private func progress(_ balloon: SlottedBalloon) -> RecoveryProgress {
        let all = balloon.slots.count
        switch balloon.recovery?.stage {
        case .slots(let next), .everyFrame(let next), .doubts(let next): return .going(done: next, of: all)
        case .pages: return .going(done: 0, of: balloon.reserve.slotCount)
        default: return .going(done: 0, of: all)
        }
    }

    // MARK: The pages

    private func readPages(_ balloon: SlottedBalloon) throws(BalloonError) {
        let pages = try balloon.reserve.recoverNext()
        guard pages.isEmpty else {
            for page in pages { take(page, balloon) }
            return
        }
        takeOver(balloon)
        balloon.recovery?.stage = .lost(next: 0)
        try bringBackNextLost(balloon, 0)
    }

    /// Takes in the page of the next slot, and compares it with what was there.
    private func take(_ page: SlotPage, _ balloon: SlottedBalloon) {
        guard let index = balloon.recovery?.found.count else { return }
        let old = index < balloon.slots.count ? balloon.slots[index] : SlotTable.Slot.empty
        var slot = SlotTable.Slot(page)
        // The frame is known from the time when the page could still be read.
        if page == .unreadable { slot.gfn = old.gfn }
        balloon.recovery?.found.append(slot)
        guard slot.gfn != old.gfn || slot.isEmpty != old.isEmpty else { return }
        noteGone(old, index, balloon)
        if !slot.isEmpty { balloon.recovery?.differences.after += 1 }
    }

    private func noteGone(_ slot: SlotTable.Slot, _ index: Int, _ balloon: SlottedBalloon) {
        if slot.isEmpty { return }
        balloon.recovery?.differences.before += 1
        if slot.isRAM { return }
        balloon.recovery?.differences.slots.append(index)
        if let gfn = slot.gfn {
            balloon.recovery?.differences.gone.append(gfn)
        } else {
            balloon.recovery?.differences.nameless += 1
        }
    }

    /// Takes over the slots that the file has now. A page that is not in the file any more, and was not known to be
    /// RAM, is lost.
    private func takeOver(_ balloon: SlottedBalloon) {
        guard let found = balloon.recovery?.found.count else { return }
        for index in min(found, balloon.slots.count)..<balloon.slots.count {
            noteGone(balloon.slots[index], index, balloon)
        }
        guard let recovery = balloon.recovery else { return }
        let differences = recovery.differences
        var gone = differences.gone + balloon.lost
        if !gone.isEmpty {
            // A page that is in another slot now is not lost.
            let wanted = Set(gone)
            let there = Set(recovery.found.indices.lazy.compactMap { recovery.found[$0].gfn }.filter(wanted.contains))
            gone.removeAll { there.contains($0) }
        }
        // After an interrupted move up to this many pages may be gone because that move freed them. The move's own note
        // takes care of their place in the pool.
        let own = recovery.interrupted?.poolPages ?? 0
        balloon.freedByOthers += max(0, differences.before - differences.after - own)
        if !differences.slots.isEmpty { balloon.reserve.notePagesLost(differences.slots) }
        balloon.lost = gone
        balloon.lostNameless += differences.nameless
        balloon.slots = recovery.found
        balloon.recovery?.found = SlotTable()
        balloon.recovery?.differences = Recovery.Differences()
    }

    private func replacePins(_ balloon: SlottedBalloon, isAllBack: Bool) throws(BalloonError) {
        let interrupted = balloon.recovery?.interrupted
        let isUnreadable = balloon.recovery?.isUnreadable == true
        let move = interrupted.map(BrokenMove.noted) ?? (isUnreadable ? .unknown : .none(balloon.recovery?.file))
        let isDone = try balloon.reserve.endRecovery(after: move, isAllBack: isAllBack)
        do throws(BalloonError) { try noteFile(balloon) } catch { warning = error }
        guard isDone else { return }
        balloon.filled = []
        // What an interrupted move had left in the pool has been dealt with by now.
        if case .none = move { balloon.noted = .nothing } else { balloon.noted = .doubts }
        try removeStrayPages(balloon)
        balloon.hasPages = true
        balloon.recovery?.stage = .slots(next: 0)
    }

    // MARK: Asking Xen

    private func probeSlots(_ balloon: SlottedBalloon, from first: Int) throws(BalloonError) {
        guard let recovery = balloon.recovery else { return }
        var (slot, probes) = (first, 0)
        while slot < balloon.slots.count, probes < Self.probesAtOnce {
            let isSure = !recovery.isUnreadable && recovery.interrupted?.slots.contains(slot) != true
            probes += try isSure ? probeQuickly(balloon, slot) : probe(balloon, slot)
            // A process may have been killed after it gave the slot and before it dropped the note.
            if isDisplaced(balloon, slot) { noteGiven(balloon, [slot]) }
            slot += 1
            balloon.recovery?.stage = .slots(next: slot)
        }
        if slot >= balloon.slots.count {
            // An unreadable note has Xen asked about every frame here already, so this sum is certain and needs no
            // comparison.
            balloon.recovery?.stage = recovery.isUnreadable ? .everyFrame(next: slot) : .sum
        }
    }

    private func probeEveryFrame(_ balloon: SlottedBalloon, from first: Int) throws(BalloonError) {
        var (slot, probes) = (first, 0)
        while slot < balloon.slots.count, probes < Self.probesAtOnce {
            probes += try probe(balloon, slot)
            slot += 1
            balloon.recovery?.stage = .everyFrame(next: slot)
        }
        guard slot >= balloon.slots.count else { return }
        balloon.recovery?.stage = .sum
        balloon.isKnown = true
        if try isSumComplete() { return try noteSum(balloon) }
        try settle(balloon)
    }

    private func probeDoubts(_ balloon: SlottedBalloon, from first: Int) throws(BalloonError) {
        try checkNotSuspended(balloon)
        var (next, probes) = (first, 0)
        while probes < Self.probesAtOnce, let slot = balloon.slots.firstInDoubt(from: next) {
            try balloon.checkFrames(of: slot..<slot + 1)
            probes += try probe(balloon, slot)
            next = slot + 1
            balloon.recovery?.stage = .doubts(next: next)
        }
        guard balloon.slots.firstInDoubt(from: next) == nil else { return }
        try settle(balloon)
    }

    /// Takes pages out of the pool that an interrupted move of this process left there: at most as many as that move
    /// had in motion, and only what the pool has beyond the pages that were not ours.
    private func takeBackStranded(_ balloon: SlottedBalloon) throws(BalloonError) {
        guard balloon.isNothingLost, balloon.reserve.strayPins == 0 else { return }
        guard balloon.noted == .move, case .moving(let move) = intents.line(vnode: balloon.vnode.number) else { return }
        let surplus = try balloon.reserve.foreignPoolPages() - move.foreignPoolPages
        try balloon.reserve.removeFromPool(max(0, min(surplus, move.poolPages)))
    }

    /// The vnode is known now. Takes out of the pool what a move of this process left in it, frees what may be freed,
    /// and notes what is still under way.
    func settle(_ balloon: SlottedBalloon) throws(BalloonError) {
        balloon.recovery = nil
        try takeBackStranded(balloon)
        try endMove(balloon)
    }

    public func lookAgain(vnode: Int, slots: Range<Int>) throws(BalloonError) {
        guard let balloon = balloons[vnode] else { return }
        guard balloon.isKnown, balloon.recovery == nil else {
            throw BalloonError(.looking, "the balloon was not audited yet", vnode: vnode)
        }
        let range = slots.clamped(to: balloon.slots.indices)
        if range.isEmpty { return }
        for (slot, page) in zip(range, try balloon.reserve.pages(of: range)) {
            guard page != .none, page == balloon.slots[slot].page else { continue }
            do throws(BalloonError) {
                _ = try probe(balloon, slot)
            } catch {
                // A frame is neither RAM nor a hole: the slot stays in doubt, and the audit names it. The other slots
                // are still probed.
                guard error.code == .moved else { throw error }
            }
        }
        try endMove(balloon)
    }
}
