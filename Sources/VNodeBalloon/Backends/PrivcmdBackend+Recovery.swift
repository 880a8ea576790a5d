// What is true is asked of Xen: after a start, a kill, a resume, and when a file is not what it was.
extension PrivcmdBackend {
    public func recover(vnode: Int) throws(BalloonError) -> UInt64 {
        guard let holding = holdings[vnode] else { return 0 }
        let line = intents.line(vnode: vnode)
        var interrupted: InterruptedMove?
        if case .moving(let move) = line { interrupted = move }
        holding.look = .none
        holding.isWaiting = false
        // Before anything is read: a suspend in the middle ends what was read before it.
        holding.suspension = hypervisor.suspension()
        let isMoveBroken = (interrupted?.poolPages ?? 0) > 0
        try holding.reserve.beginRecovery()
        var frames: [UInt64?] = []
        while true {
            let next = try holding.reserve.recoverNext()
            if next.isEmpty { break }
            frames += next.map(\.gfn)
        }
        takeOver(frames, holding, isMoveBroken: isMoveBroken)
        let isAllBack = try bringBackLost(holding)
        while try !holding.reserve.endRecovery(interrupted: interrupted, isAllBack: isAllBack) {}
        // What a broken move left in the pool is dealt with by now.
        holding.noted = line == .quiet ? .nothing : .doubts
        try removeStrayPages(holding)
        for slot in holding.slots.indices where holding.slots[slot].gfn != nil {
            if line == .unreadable || interrupted?.slots.contains(slot) == true {
                try probe(holding, slot)
            } else {
                try probeQuickly(holding, slot)
            }
        }
        holding.look = line == .unreadable ? .exact : .quick
        try compareTotal(holding)
        try endMove(holding)
        return holding.balloonFrames
    }

    public func lookAgain(vnode: Int, slots: Range<Int>) throws(BalloonError) -> UInt64 {
        guard let holding = holdings[vnode] else { return 0 }
        // Before a first look, only a look at all of it helps.
        guard holding.look != .none else { return try recover(vnode: vnode) }
        let range = slots.clamped(to: 0..<holding.slots.count)
        if range.isEmpty { return holding.balloonFrames }
        for (slot, gfn) in zip(range, try holding.reserve.frames(of: range)) {
            guard gfn != nil, gfn == holding.slots[slot].gfn else { continue }
            do throws(BalloonError) {
                try probe(holding, slot)
            } catch {
                // Neither RAM nor a hole: it stays in doubt, and the audit tells. The others are looked at all the same.
                guard error.code == .moved else { throw error }
            }
        }
        try endMove(holding)
        return holding.balloonFrames
    }

    // MARK: All memory together

    /// Our moves do not change what the domain and its balloons have together. Where that differs from what was noted,
    /// by this process or an earlier one, part of an extent came back, or somebody else moved memory of the domain: then
    /// every frame of all balloons is asked about.
    ///
    /// Before every vnode was looked at nothing can be compared: what is known of this one is not sure.
    private func compareTotal(_ holding: Holding) throws(BalloonError) {
        let all = holdings.values
        guard !all.contains(where: { $0.look == .none }) else { return }
        if try total() != knownTotal {
            var failure: BalloonError?
            for other in all {
                do throws(BalloonError) { try lookExactly(other) } catch {
                    other.look = .none
                    // Another vnode's trouble is seen when it moves.
                    if other === holding { failure = error }
                }
            }
            if let failure { throw failure }
            guard !all.contains(where: { $0.look == .none }) else { return }
            let total = try total()
            // A suspend since the first look would be hidden by the sum for ever.
            try checkNotSuspended(holding)
            // From now on the sum says nothing of what was found.
            for other in all where other.noted != .move { _ = try noteDoubts(other) }
            try intents.note(total: total)
            knownTotal = total
        }
        for other in all { other.look = .exact }
    }

    public func distrust() throws(BalloonError) {
        knownTotal = nil
        // By a process after this one, too.
        try intents.note(total: nil)
    }

    /// What was found to be a hole may be memory after a suspend, and populating memory loses it.
    ///
    /// A process is suspended between two system calls only, and this makes none: right before a hypercall it leaves
    /// room for nothing but a suspend within some hundred nanoseconds.
    func checkNotSuspended(_ holding: Holding) throws(BalloonError) {
        guard hypervisor.suspension().differs(from: holding.suspension) else { return }
        throw BalloonError(
            .suspended, "the domain was suspended meanwhile; its memory is looked at again",
            vnode: holding.vnode.number)
    }

    private func total() throws(BalloonError) -> UInt64 {
        try hypervisor.currentReservation() + holdings.values.reduce(0) { $0 + $1.balloonFrames }
    }

    /// Asks Xen about every frame of a vnode's slots.
    func lookExactly(_ holding: Holding) throws(BalloonError) {
        for slot in holding.slots.indices { try probe(holding, slot) }
        holding.look = .exact
    }

    // MARK: Pages that somebody took

    /// The slots are what the file has now. Pages that are not in it any more and were not known to be RAM are lost.
    ///
    /// - Parameter isMoveBroken: pages may be gone by our own hand; their place in the pool was looked after.
    private func takeOver(_ frames: [UInt64?], _ holding: Holding, isMoveBroken: Bool) {
        let found = Set(frames.compactMap(\.self))
        let had = holding.slots.count { $0.gfn != nil }
        if !isMoveBroken { holding.strayPages += max(0, had - found.count) }
        let known = holding.slots.compactMap { $0.isRAM ? nil : $0.gfn } + holding.lost
        holding.lost = known.filter { !found.contains($0) }
        holding.slots = frames.map { Holding.Slot(gfn: $0, holes: $0 == nil ? 0 : nil) }
    }

    /// Lost pages are freed with their pins. Holes among them become memory again before; where the pins went first, what
    /// somebody wrote there is gone.
    ///
    /// This is the one place where frames outside of our file are populated. They were ours, Xen says that they are
    /// holes, and nobody else makes any: a page that is a hole can only be one that was taken from us.
    /// - Returns: whether nothing is lost any more.
    private func bringBackLost(_ holding: Holding) throws(BalloonError) -> Bool {
        if holding.lost.isEmpty { return true }
        // What is populated now may be missing in the new domain.
        if try isBeingSent() { return false }
        var left: [UInt64] = []
        for first in holding.lost where try !fillLost(first, holding) { left.append(first) }
        holding.lost = left
        return left.isEmpty
    }

    private func removeStrayPages(_ holding: Holding) throws(BalloonError) {
        // A hole in the pool must not leave it.
        guard holding.lost.isEmpty, holding.strayPages > 0 else { return }
        try holding.reserve.removeFromPool(holding.strayPages)
        holding.strayPages = 0
    }

    /// - Returns: whether all of it is RAM.
    private func fillLost(_ first: UInt64, _ holding: Holding) throws(BalloonError) -> Bool {
        let frames = first..<first + ExtentBuffer.framesPerExtent
        var holes: [UInt64] = []
        for gfn in frames {
            let type = try hypervisor.memoryType(of: gfn)
            if type.isHole { holes.append(gfn) } else if !type.isRAM { return false }
        }
        if holes.isEmpty { return true }
        try checkNotSuspended(holding)
        if holes.count == frames.count {
            hypervisor.extents.reset(order: ExtentBuffer.order)
            hypervisor.extents.append(first)
            if try hypervisor.populatePhysmap(vnode: vnodeNumber(holding)) == 1 { return true }
        }
        hypervisor.extents.reset(order: 0)
        hypervisor.extents.append(holes.span)
        try checkNotSuspended(holding)
        return try hypervisor.populatePhysmap(vnode: vnodeNumber(holding)) == holes.count
    }

    // MARK: The file

    public func file(vnode: Int) throws(BalloonError) -> BalloonFile {
        guard let holding = holdings[vnode] else { return .whole }
        let state = try holding.reserve.fileState()
        if state.name != .ours { return .removed }
        let pages = holding.slots.count { $0.gfn != nil }
        return state.slots == holding.slots.count && state.pages >= pages ? .whole : .damaged
    }

    public func renewFile(vnode: Int) throws(BalloonError) -> UInt64 {
        guard let holding = holdings[vnode] else { return 0 }
        guard holding.slots.isEmpty, holding.lost.isEmpty else { return holding.balloonFrames }
        holding.look = .none
        try holding.reserve.renew()
        return try recover(vnode: vnode)
    }
}
