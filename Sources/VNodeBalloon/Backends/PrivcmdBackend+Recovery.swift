// What is true is asked of Xen, a bounded piece at a time: after a start, a kill, a resume, an error, and when a file is
// not what it was.
extension PrivcmdBackend {
    /// Probes of one piece, at 23 us each. A piece may end with one extent more.
    private static let probesAtOnce = 256

    public func beginRecovery(vnode: Int, _ scope: RecoveryScope) throws(BalloonError) {
        guard let holding = holdings[vnode] else { return }
        if scope == .doubts, holding.isKnown, holding.recovery == nil, try isFileWhole(holding) {
            holding.recovery = Recovery(stage: .doubts(next: 0))
            return
        }
        let line = intents.line(vnode: vnode)
        var recovery = Recovery(stage: .pages)
        if case .moving(let move) = line { recovery.interrupted = move }
        recovery.isUnreadable = line == .unreadable
        holding.isKnown = false
        (holding.isWaiting, holding.unsent) = (false, [])
        // Nobody asked after the populate whether the domain was being sent.
        holding.lost += holding.filled
        holding.filled = []
        // Before anything is read: a suspend in the middle ends what was read before it.
        holding.suspension = hypervisor.suspension()
        if scope == .frames, holding.hasPages {
            // A suspend leaves pages, pins and pool as they were: only what Xen has behind them may be another thing.
            recovery.stage = .slots(next: 0)
            holding.recovery = recovery
            return
        }
        holding.hasPages = false
        holding.recovery = nil
        try holding.reserve.beginRecovery()
        holding.recovery = recovery
    }

    public func continueRecovery(vnode: Int) throws(BalloonError) -> RecoveryProgress {
        guard let holding = holdings[vnode] else { return .done }
        // No more of it than the stage: a second reference to its tables would have each piece copy them.
        guard let stage = holding.recovery?.stage else {
            if holding.isSettled { return .done }
            throw BalloonError(.looking, "the balloon was not audited yet", vnode: vnode)
        }
        switch stage {
        case .pages: try readPages(holding)
        case .lost(let next): try bringBackNextLost(holding, next)
        case .pins(let isAllBack): try replacePins(holding, isAllBack: isAllBack)
        case .slots(let next): try probeSlots(holding, from: next)
        case .sum: return try compareSum(holding)
        case .everyFrame(let next): try probeEveryFrame(holding, from: next)
        case .doubts(let next): try probeDoubts(holding, from: next)
        }
        return holding.recovery == nil ? .done : progress(holding)
    }

    public func abandonRecovery(vnode: Int) {
        guard let holding = holdings[vnode] else { return }
        holding.recovery = nil
        holding.isKnown = false
    }

    private func progress(_ holding: Holding) -> RecoveryProgress {
        let all = holding.slots.count
        switch holding.recovery?.stage {
        case .slots(let next), .everyFrame(let next), .doubts(let next): return .going(done: next, of: all)
        case .pages: return .going(done: 0, of: holding.reserve.slotCount)
        default: return .going(done: 0, of: all)
        }
    }

    // MARK: The pages

    private func readPages(_ holding: Holding) throws(BalloonError) {
        let pages = try holding.reserve.recoverNext()
        guard pages.isEmpty else {
            for page in pages { take(page, holding) }
            return
        }
        takeOver(holding)
        holding.recovery?.stage = .lost(next: 0)
        try bringBackNextLost(holding, 0)
    }

    /// The next slot has this page. Compares with what was there.
    private func take(_ page: SlotPage, _ holding: Holding) {
        guard let index = holding.recovery?.found.count else { return }
        let old = index < holding.slots.count ? holding.slots[index] : SlotTable.Slot.empty
        var slot = SlotTable.Slot(page)
        // Where it lies is known, from when it could be read.
        if page == .unreadable { slot.gfn = old.gfn }
        holding.recovery?.found.append(slot)
        guard slot.gfn != old.gfn || slot.isEmpty != old.isEmpty else { return }
        noteGone(old, index, holding)
        if !slot.isEmpty { holding.recovery?.differences.after += 1 }
    }

    private func noteGone(_ slot: SlotTable.Slot, _ index: Int, _ holding: Holding) {
        if slot.isEmpty { return }
        holding.recovery?.differences.before += 1
        if slot.isRAM { return }
        holding.recovery?.differences.slots.append(index)
        if let gfn = slot.gfn {
            holding.recovery?.differences.gone.append(gfn)
        } else {
            holding.recovery?.differences.nameless += 1
        }
    }

    /// The slots are what the file has now. Pages that are not in it any more and were not known to be RAM are lost.
    private func takeOver(_ holding: Holding) {
        guard let found = holding.recovery?.found.count else { return }
        for index in min(found, holding.slots.count)..<holding.slots.count {
            noteGone(holding.slots[index], index, holding)
        }
        guard let recovery = holding.recovery else { return }
        let differences = recovery.differences
        var gone = differences.gone + holding.lost
        if !gone.isEmpty {
            // Not those that are in another slot now.
            let wanted = Set(gone)
            let there = Set(recovery.found.indices.lazy.compactMap { recovery.found[$0].gfn }.filter(wanted.contains))
            gone.removeAll { there.contains($0) }
        }
        // After a broken move so many pages may be gone by our own hand; their place in the pool is looked after by its note.
        let own = recovery.interrupted?.poolPages ?? 0
        holding.strayPages += max(0, differences.before - differences.after - own)
        if !differences.slots.isEmpty { holding.reserve.notePagesLost(differences.slots) }
        holding.lost = gone
        holding.lostNameless += differences.nameless
        holding.slots = recovery.found
        holding.recovery?.found = SlotTable()
        holding.recovery?.differences = Recovery.Differences()
    }

    private func replacePins(_ holding: Holding, isAllBack: Bool) throws(BalloonError) {
        let interrupted = holding.recovery?.interrupted
        guard try holding.reserve.endRecovery(interrupted: interrupted, isAllBack: isAllBack) else { return }
        holding.filled = []
        // What a broken move left in the pool is dealt with by now.
        let isQuiet = interrupted == nil && holding.recovery?.isUnreadable != true
        holding.noted = isQuiet ? .nothing : .doubts
        try removeStrayPages(holding)
        holding.hasPages = true
        holding.recovery?.stage = .slots(next: 0)
    }

    // MARK: Asking Xen

    private func probeSlots(_ holding: Holding, from first: Int) throws(BalloonError) {
        guard let recovery = holding.recovery else { return }
        var (slot, probes) = (first, 0)
        while slot < holding.slots.count, probes < Self.probesAtOnce {
            let isSure = !recovery.isUnreadable && recovery.interrupted?.slots.contains(slot) != true
            probes += try isSure ? probeQuickly(holding, slot) : probe(holding, slot)
            slot += 1
            holding.recovery?.stage = .slots(next: slot)
        }
        if slot >= holding.slots.count {
            // Every frame was asked about already: its own sum is sure.
            holding.recovery?.stage = recovery.isUnreadable ? .everyFrame(next: slot) : .sum
        }
    }

    private func probeEveryFrame(_ holding: Holding, from first: Int) throws(BalloonError) {
        var (slot, probes) = (first, 0)
        while slot < holding.slots.count, probes < Self.probesAtOnce {
            probes += try probe(holding, slot)
            slot += 1
            holding.recovery?.stage = .everyFrame(next: slot)
        }
        guard slot >= holding.slots.count else { return }
        holding.recovery?.stage = .sum
        holding.isKnown = true
        if try isSumComplete() { return try noteSum(holding) }
        try settle(holding)
    }

    private func probeDoubts(_ holding: Holding, from first: Int) throws(BalloonError) {
        try checkNotSuspended(holding)
        var (next, probes) = (first, 0)
        while probes < Self.probesAtOnce, let slot = holding.slots.firstInDoubt(from: next) {
            try holding.checkFrames(of: slot..<slot + 1)
            probes += try probe(holding, slot)
            next = slot + 1
            holding.recovery?.stage = .doubts(next: next)
        }
        guard holding.slots.firstInDoubt(from: next) == nil else { return }
        try settle(holding)
    }

    /// Pages that an interrupted move of this process left in the pool: at most what was in motion, and only what is there
    /// beyond what others had.
    private func takeBackStranded(_ holding: Holding) throws(BalloonError) {
        guard holding.isNothingLost, holding.reserve.strayPins == 0 else { return }
        guard holding.noted == .move, case .moving(let move) = intents.line(vnode: holding.vnode.number) else { return }
        let surplus = try holding.reserve.foreignPoolPages() - move.foreignPoolPages
        try holding.reserve.removeFromPool(max(0, min(surplus, move.poolPages)))
    }

    /// The vnode is known: what a move of this process left in the pool is taken out of it, what may be freed is, and what
    /// is under way is noted.
    func settle(_ holding: Holding) throws(BalloonError) {
        holding.recovery = nil
        try takeBackStranded(holding)
        try endMove(holding)
    }

    public func lookAgain(vnode: Int, slots: Range<Int>) throws(BalloonError) {
        guard let holding = holdings[vnode] else { return }
        guard holding.isKnown, holding.recovery == nil else {
            throw BalloonError(.looking, "the balloon was not audited yet", vnode: vnode)
        }
        let range = slots.clamped(to: holding.slots.indices)
        if range.isEmpty { return }
        for (slot, page) in zip(range, try holding.reserve.pages(of: range)) {
            guard page != .none, page == holding.slots[slot].page else { continue }
            do throws(BalloonError) {
                _ = try probe(holding, slot)
            } catch {
                // Neither RAM nor a hole: it stays in doubt, and the audit tells. The others are asked about all the same.
                guard error.code == .moved else { throw error }
            }
        }
        try endMove(holding)
    }
}
