// Checks the total: the domain's memory plus that of its balloons.
extension PrivcmdMover {
    /// Compares the total with the noted one. Our own moves do not change it. Where it differs from what this process
    /// or an earlier one noted, part of an extent came back, or another program moved memory of the domain. Then Xen is
    /// asked about every frame of all balloons.
    ///
    /// The comparison needs all vnodes. While one of them cannot be audited, the other vnodes go through a full audit,
    /// frame by frame, instead.
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
            // Includes a vnode that an error left in doubt: the full audit ends that, too.
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

    /// Every frame is known now. Notes the total: the next recovery, of this process or a later one, compares with it.
    func noteSum(_ balloon: SlottedBalloon) throws(BalloonError) {
        let total = try total()
        // A total that includes the effect of a suspend since the first probe would hide that suspend forever.
        for other in balloons.values { try checkNotSuspended(other) }
        // A process that only audits notes nothing: the old note still says what an interrupted move left in the pool.
        if balloons.values.contains(where: \.reserve.isReading) { return try settle(balloon) }
        // Once the new total is noted it no longer reveals these partial extents, so they are noted first.
        for other in balloons.values where other.noted != .move { _ = try noteDoubts(other) }
        if total != knownTotal {
            try intents.note(total: total)
            knownTotal = total
        }
        try settle(balloon)
    }

    public func distrust() throws(BalloonError) {
        knownTotal = nil
        // The next process must not trust the old total either.
        try intents.note(total: nil)
    }

    private func total() throws(BalloonError) -> UInt64 {
        try hypervisor.currentReservation().count + balloons.values.reduce(0) { $0 + $1.slots.sums.holes }
    }

    /// Throws if the domain was suspended since Xen was asked. A frame that was a hole may be RAM after a suspend, and
    /// to populate RAM loses its contents.
    ///
    /// The kernel suspends a process between two system calls only, and this function makes none. Called right before a
    /// hypercall it misses only a suspend within the next few hundred nanoseconds.
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
