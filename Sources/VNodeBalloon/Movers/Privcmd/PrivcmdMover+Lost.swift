// Deals with pages that another program took out of a balloon's file, and with the file itself.
extension PrivcmdMover {
    /// Makes the holes among the lost pages RAM again, before their pins go: a lost page is freed together with its
    /// pin. Where the pins went first, whatever the kernel or a program wrote to the holes is gone.
    ///
    /// This is the one place that populates frames outside our file. It is safe: they were ours, Xen says that they are
    /// holes, and no other program makes holes. So such a page can only be one that was taken out of our file.
    ///
    /// Each piece does one extent, because Xen is asked about each of its frames.
    func bringBackNextLost(_ balloon: SlottedBalloon, _ next: Int) throws(BalloonError) {
        // What is populated while the domain is log-dirty may be missing after the migration. So this asks again after
        // the last populate: a page may be freed only if it will be RAM there, too. A migration that begins later sends
        // all of it.
        let isSent = next < balloon.lost.count || !balloon.filled.isEmpty ? try isBeingSent() : false
        guard next < balloon.lost.count, !isSent else {
            if isSent {
                balloon.lost += balloon.filled
                balloon.filled = []
            }
            balloon.recovery?.stage = .pins(isAllBack: balloon.isNothingLost)
            return
        }
        if try fillLost(balloon.lost[next], balloon) {
            balloon.filled.append(balloon.lost.remove(at: next))
            balloon.recovery?.stage = .lost(next: next)
        } else {
            balloon.recovery?.stage = .lost(next: next + 1)
        }
    }

    public func bringBack(vnode: Int) throws(BalloonError) -> Bool {
        guard let balloon = balloons[vnode], balloon.isSettled, let first = balloon.lost.first else { return false }
        if try isBeingSent() { return false }
        return try fillLost(first, balloon)
    }

    func removeStrayPages(_ balloon: SlottedBalloon) throws(BalloonError) {
        // While anything is lost, a page of the pool may be a hole, and a hole must not leave the pool.
        guard balloon.isNothingLost, balloon.freedByOthers > 0 else { return }
        try balloon.reserve.removeFromPool(balloon.freedByOthers)
        balloon.freedByOthers = 0
    }

    /// - Returns: whether all frames of the extent are RAM now.
    private func fillLost(_ first: UInt64, _ balloon: SlottedBalloon) throws(BalloonError) -> Bool {
        let frames = first..<first + ExtentBuffer.framesPerExtent
        var holes: [UInt64] = []
        for (gfn, type) in zip(frames, try hypervisor.memoryTypes(ofExtent: first)) {
            if type.isHole { holes.append(gfn) } else if !type.isRAM { return false }
        }
        if holes.isEmpty { return true }
        try checkNotSuspended(balloon)
        if holes.count == frames.count {
            hypervisor.extents.reset(order: ExtentBuffer.order)
            hypervisor.extents.append(first)
            if try hypervisor.populatePhysmap(vnode: vnodeNumber(balloon)) == 1 { return true }
        }
        hypervisor.extents.reset(order: 0)
        hypervisor.extents.append(holes.span)
        try checkNotSuspended(balloon)
        return try hypervisor.populatePhysmap(vnode: vnodeNumber(balloon)) == holes.count
    }

    // MARK: The file

    public func file(vnode: Int) throws(BalloonError) -> FileCondition {
        guard let balloon = balloons[vnode] else { return .whole }
        if try balloon.reserve.lookAtFile().name != .ours { return .removed }
        // While the pages are being read there is nothing to compare the file with.
        guard balloon.hasPages else { return .whole }
        return try isFileWhole(balloon) ? .whole : .damaged
    }

    /// Whether the file has as many slots and pages as it should have.
    func isFileWhole(_ balloon: SlottedBalloon) throws(BalloonError) -> Bool {
        let state = try balloon.reserve.lookAtFile()
        return state.slots == balloon.slots.count && state.pages >= balloon.slots.sums.pages
    }

    public func renewFile(vnode: Int) throws(BalloonError) -> Bool {
        guard let balloon = balloons[vnode], balloon.isSettled, !balloon.reserve.isReading else { return false }
        guard balloon.slots.isEmpty, balloon.lost.isEmpty else { return false }
        try balloon.reserve.renew()
        (balloon.isKnown, balloon.hasPages) = (false, false)
        return true
    }
}
