// What is true is asked of Xen: after a start, a kill, a resume.
extension PrivcmdBackend {
    public func recover(vnode: Int) throws(BalloonError) -> UInt64 {
        guard let holding = holdings[vnode] else { return 0 }
        let line = intents.line(vnode: vnode)
        var interrupted: InterruptedMove?
        if case .moving(let move) = line { interrupted = move }
        // A line of a move stands until its remains are dealt with; what is freed then is noted anew.
        holding.isMoveNoted = false
        holding.isDoubtNoted = interrupted != nil
        holding.isRecovered = false
        holding.isWaiting = false
        // Before anything is read: a suspend in the middle ends what was read before it.
        holding.suspension = hypervisor.suspension()
        let frames = try holding.reserve.recover(interrupted: interrupted)
        holding.slots = frames.map { Holding.Slot(gfn: $0, holes: $0 == nil ? 0 : nil) }
        // An extent may be part RAM where a move was under way, or where memory came back since we last looked.
        try noteChanges()
        let isAllInDoubt = holding.needsFullLook || line == .unreadable
        for slot in holding.slots.indices where holding.slots[slot].gfn != nil {
            if isAllInDoubt || interrupted?.slots.contains(slot) == true {
                try probe(holding, slot)
            } else {
                try probeQuickly(holding, slot)
            }
        }
        holding.isRecovered = true
        try endMove(holding)
        if line == .unreadable && holding.doubtfulSlots == nil { try intents.end(vnode: vnode) }
        // Only now: slots that are part RAM are noted.
        holding.needsFullLook = false
        try noteReservation()
        return holding.balloonFrames
    }

    /// Another reservation than after the last move, ours or an earlier process's: memory came back or went, on
    /// whatever vnode. What a move that did not end had in motion may make a difference, and after a suspend it may hide
    /// one.
    private func noteChanges() throws(BalloonError) {
        let current = try reservation()
        let known = lastReservation ?? intents.reservation()
        lastReservation = current
        var inMotion: UInt64 = 0
        for vnode in vnodes {
            guard case .moving(let move) = intents.line(vnode: vnode.number) else { continue }
            inMotion += UInt64(move.poolPages) * ExtentBuffer.framesPerExtent
        }
        if let known, !known.suspension.differs(from: current.suspension) || inMotion == 0 {
            let change = max(known.frames, current.frames) - min(known.frames, current.frames)
            if change <= inMotion { return }
        }
        try distrust()
    }

    /// What the next look is compared with.
    func noteReservation() throws(BalloonError) {
        let current = try reservation()
        if let lastReservation, lastReservation.suspension.differs(from: current.suspension) {
            // What came back cannot be told from what was just moved.
            return try distrust()
        }
        lastReservation = current
        // Until every vnode was looked at, a process after this one has to look, too.
        guard !holdings.values.contains(where: \.needsFullLook) else { return }
        try intents.note(current)
    }

    private func reservation() throws(BalloonError) -> NotedReservation {
        // Both of the same time, or a suspend between them would be lost.
        while true {
            let suspension = hypervisor.suspension()
            let frames = try hypervisor.currentReservation()
            if !hypervisor.suspension().differs(from: suspension) {
                return NotedReservation(frames: frames, suspension: suspension)
            }
        }
    }

    public func distrust() throws(BalloonError) {
        for holding in holdings.values { holding.needsFullLook = true }
        // By a process after this one, too.
        try intents.note(nil)
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

    public func lookAgain(vnode: Int, slots: Range<Int>) throws(BalloonError) -> UInt64 {
        guard let holding = holdings[vnode] else { return 0 }
        // Before a first look, only a look at all of it helps.
        guard holding.isRecovered else { return try recover(vnode: vnode) }
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

    public func audit(vnode: Int, slots: Range<Int>, everyFrame: Bool) throws(BalloonError) -> [AuditFinding] {
        guard let holding = holdings[vnode] else { return [] }
        var findings: [AuditFinding] = []
        func note(_ slot: Int, _ gfn: UInt64, _ kind: AuditFinding.Kind) {
            findings.append(AuditFinding(vnode: vnode, slot: slot, gfn: gfn, kind: kind))
        }
        if slots.lowerBound == 0 {
            if try holding.reserve.isRemoved() { note(0, 0, .fileRemoved) }
            let (there, known) = (holding.reserve.slotCount, holding.slots.count)
            if there != known { note(min(there, known), 0, .fileSize) }
        }
        let range = slots.clamped(to: 0..<min(holding.slots.count, holding.reserve.slotCount))
        guard !range.isEmpty else { return findings }
        for (slot, frame) in zip(range, try holding.reserve.frames(of: range)) {
            guard let gfn = frame, holding.slots[slot].gfn != nil else {
                note(slot, 0, .noPage)
                continue
            }
            if gfn != holding.slots[slot].gfn {
                note(slot, gfn, .moved)
            } else if let (gfn, kind) = try firstFault(holding, slot, everyFrame: everyFrame) {
                note(slot, gfn, kind)
            }
        }
        return findings
    }

    /// The first frame of a slot that is not what we believe. Of a slot that is known to be mixed nothing is believed.
    private func firstFault(
        _ holding: Holding, _ slot: Int, everyFrame: Bool
    ) throws(BalloonError) -> (UInt64, AuditFinding.Kind)? {
        guard let first = holding.slots[slot].gfn else { return nil }
        let step = everyFrame ? 1 : ExtentBuffer.framesPerExtent - 1
        for gfn in stride(from: first, to: first + ExtentBuffer.framesPerExtent, by: UInt64.Stride(step)) {
            let type = try hypervisor.memoryType(of: gfn)
            if !type.isRAM && !type.isHole { return (gfn, .unknownType) }
            if holding.slots[slot].isGiven && type.isRAM { return (gfn, .ramInBalloon) }
            if holding.slots[slot].isRAM && type.isHole { return (gfn, .holeInReserve) }
        }
        return nil
    }
}
