// Pages that a foreign hand took out of a file, and the file itself.
extension PrivcmdBackend {
    /// Lost pages are freed with their pins. Holes among them become memory again before; where the pins went first, what
    /// the kernel or a program wrote there is gone.
    ///
    /// This is the one place where frames outside of our file are populated. They were ours, Xen says that they are
    /// holes, and nobody else makes any: a page that is a hole can only be one that was taken from us.
    ///
    /// One extent a piece: each of its frames is asked about.
    func bringBackNextLost(_ holding: Holding, _ next: Int) throws(BalloonError) {
        // What is populated while the domain is being sent may be missing in the new one. Asked after the last populate, too:
        // what is freed must be memory there. A migration that begins later sends all of it.
        let isSent = next < holding.lost.count || !holding.filled.isEmpty ? try isBeingSent() : false
        guard next < holding.lost.count, !isSent else {
            if isSent {
                holding.lost += holding.filled
                holding.filled = []
            }
            holding.recovery?.stage = .pins(isAllBack: holding.isNothingLost)
            return
        }
        if try fillLost(holding.lost[next], holding) {
            holding.filled.append(holding.lost.remove(at: next))
            holding.recovery?.stage = .lost(next: next)
        } else {
            holding.recovery?.stage = .lost(next: next + 1)
        }
    }

    public func bringBack(vnode: Int) throws(BalloonError) -> Bool {
        guard let holding = holdings[vnode], holding.isSettled, let first = holding.lost.first else { return false }
        if try isBeingSent() { return false }
        return try fillLost(first, holding)
    }

    func removeStrayPages(_ holding: Holding) throws(BalloonError) {
        // A hole in the pool must not leave it.
        guard holding.isNothingLost, holding.strayPages > 0 else { return }
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
        if try holding.reserve.fileState().name != .ours { return .removed }
        // What is being read just now has nothing to be compared with.
        guard holding.hasPages else { return .whole }
        return try isFileWhole(holding) ? .whole : .damaged
    }

    /// As many slots and pages as there should be.
    func isFileWhole(_ holding: Holding) throws(BalloonError) -> Bool {
        let state = try holding.reserve.fileState()
        return state.slots == holding.slots.count && state.pages >= holding.slots.sums.pages
    }

    public func renewFile(vnode: Int) throws(BalloonError) -> Bool {
        guard let holding = holdings[vnode], holding.isSettled, !holding.reserve.isReading else { return false }
        guard holding.slots.isEmpty, holding.lost.isEmpty else { return false }
        try holding.reserve.renew()
        (holding.isKnown, holding.hasPages) = (false, false)
        return true
    }
}
