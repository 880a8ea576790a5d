// All memory together: what the domain has, and what its balloons have.
extension PrivcmdMover {
    /// Our moves do not change what the domain and its balloons have together. Where that differs from what was noted, by
    /// this process or an earlier one, part of an extent came back, or another program moved memory of the domain: then
    /// Xen is asked about every frame of all balloons.
    ///
    /// It can be compared only once all vnodes were asked about. While one of them cannot be, the other vnodes are asked
    /// about frame by frame.
    func compareSum(_ balloon: SlottedBalloon) throws(BalloonError) -> RecoveryProgress {
        if balloon.isKnown {
            try noteSum(balloon)
            return .done
        }
        let others = balloons.values.filter { $0 !== balloon && !$0.isKnown }
        guard !others.contains(where: { $0.recovery == nil }) else { return askAboutEveryFrame([balloon]) }
        guard others.allSatisfy({ $0.isAtSum }) else { return .waiting }
        guard try total() == knownTotal else { return askAboutEveryFrame(Array(balloons.values)) }
        for other in balloons.values { other.isKnown = true }
        var failure: BalloonError?
        for other in balloons.values {
            do throws(BalloonError) { try settle(other) } catch { if other === balloon { failure = error } }
        }
        if let failure { throw failure }
        return .done
    }

    private func askAboutEveryFrame(_ balloons: [SlottedBalloon]) -> RecoveryProgress {
        for balloon in balloons {
            // This includes a vnode that an error left in doubt: its recovery ends with the full audit.
            var recovery = balloon.recovery ?? Recovery(stage: .sum)
            recovery.stage = .everyFrame(next: 0)
            balloon.recovery = recovery
            balloon.isKnown = false
        }
        return .going(done: 0, of: balloons.reduce(0) { $0 + $1.slots.count })
    }

    /// Whether every frame of all balloons is known.
    func isSumComplete() throws(BalloonError) -> Bool {
        balloons.values.allSatisfy { $0.isKnown && $0.slots.sums.inDoubt == 0 }
    }

    /// Every frame is known: the next recovery, of this process or a later one, compares with this sum.
    func noteSum(_ balloon: SlottedBalloon) throws(BalloonError) {
        let total = try total()
        // A suspend since the first probe would be hidden by the sum for ever.
        for other in balloons.values { try checkNotSuspended(other) }
        // A process that only audits notes nothing: the old note says what an interrupted move left in the pool.
        if balloons.values.contains(where: \.reserve.isReading) { return try settle(balloon) }
        // Once the new sum is noted it no longer reveals these partial extents, so they are noted first.
        for other in balloons.values where other.noted != .move { _ = try noteDoubts(other) }
        if total != knownTotal {
            try intents.note(total: total)
            knownTotal = total
        }
        try settle(balloon)
    }

    public func distrust() throws(BalloonError) {
        knownTotal = nil
        // By a process after this one, too.
        try intents.note(total: nil)
    }

    private func total() throws(BalloonError) -> UInt64 {
        try hypervisor.currentReservation().count + balloons.values.reduce(0) { $0 + $1.slots.sums.holes }
    }

    /// What was found to be a hole may be memory after a suspend, and populating memory loses it.
    ///
    /// A process is suspended between two system calls only, and this makes none: right before a hypercall it leaves
    /// room for nothing but a suspend within some hundred nanoseconds.
    func checkNotSuspended(_ balloon: SlottedBalloon) throws(BalloonError) {
        guard hypervisor.suspension().differs(from: balloon.suspension) else { return }
        throw BalloonError(
            .suspended, "the domain was suspended meanwhile; its memory is audited again",
            vnode: balloon.vnode.number)
    }
}

extension SlottedBalloon {
    fileprivate var isAtSum: Bool {
        if case .sum? = recovery?.stage { return true }
        return false
    }
}
