// Compares what Xen and the files say with what this process believes. Changes nothing.
extension PrivcmdMover {
    public func audit(vnode: Int, slots: Range<Int>, everyFrame: Bool) throws(BalloonError) -> [AuditFinding] {
        guard let balloon = balloons[vnode] else { return [] }
        // Before the recovery has ended there is no belief to compare with.
        guard balloon.isSettled else {
            throw BalloonError(.looking, "the balloon was not audited yet", vnode: vnode)
        }
        var findings: [AuditFinding] = []
        func note(_ slot: Int, _ gfn: UInt64, _ kind: AuditFinding.Kind) {
            findings.append(AuditFinding(vnode: vnode, slot: slot, gfn: gfn, kind: kind))
        }
        let file = try balloon.reserve.lookAtFile()
        // Findings about the file as a whole are reported with the first slice.
        if slots.lowerBound == 0 { noteFile(file, balloon, note) }
        let range = slots.clamped(to: 0..<min(balloon.slots.count, file.slots))
        guard !range.isEmpty else { return findings }
        for (slot, page) in zip(range, try balloon.reserve.pages(of: range)) {
            let known = balloon.slots[slot]
            switch page {
            // A slot that is known to be empty holds nothing.
            case .none: if !known.isEmpty { note(slot, known.gfn ?? 0, .noPage) }
            case .unreadable: note(slot, known.gfn ?? 0, .lost)
            case .extent(let gfn) where gfn != known.gfn: note(slot, gfn, .moved)
            case .extent:
                if let (gfn, kind) = try firstFault(balloon, slot, everyFrame: everyFrame) { note(slot, gfn, kind) }
            }
        }
        return findings
    }

    private func noteFile(
        _ file: FoundFile, _ balloon: SlottedBalloon, _ note: (Int, UInt64, AuditFinding.Kind) -> Void
    ) {
        switch file.name {
        case .ours: break
        case .gone: note(0, 0, .fileRemoved)
        case .another: note(0, 0, .fileReplaced)
        }
        let known = balloon.slots.count
        if file.slots < known { note(file.slots, balloon.slots[file.slots].gfn ?? 0, .fileShorter) }
        if file.slots > known { note(known, 0, .fileLonger) }
        for gfn in balloon.lost { note(0, gfn, .lost) }
        if balloon.reserve.strayPins > 0 { note(0, 0, .lost) }
    }

    /// The first frame of a slot that is not what we believe. A slot known to be mixed is skipped: for none of its
    /// frames do we believe one or the other.
    private func firstFault(
        _ balloon: SlottedBalloon, _ slot: Int, everyFrame: Bool
    ) throws(BalloonError) -> (UInt64, AuditFinding.Kind)? {
        guard let first = balloon.slots[slot].gfn else { return nil }
        let step = everyFrame ? 1 : ExtentBuffer.framesPerExtent - 1
        let types = try everyFrame ? hypervisor.memoryTypes(ofExtent: first) : hypervisor.memoryTypes(atEndsOf: first)
        for (place, type) in types.enumerated() {
            let gfn = first + UInt64(place) * step
            if !type.isRAM && !type.isHole { return (gfn, .unknownType) }
            if balloon.slots[slot].isGiven && type.isRAM { return (gfn, .ramInBalloon) }
            if balloon.slots[slot].isRAM && type.isHole { return (gfn, .holeInReserve) }
        }
        return nil
    }
}
