// All memory together: what the domain has, and what its balloons have.
extension PrivcmdBackend {
    /// Our moves do not change what the domain and its balloons have together. Where that differs from what was noted, by
    /// this process or an earlier one, part of an extent came back, or somebody else moved memory of the domain: then
    /// Xen is asked about every frame of all balloons.
    ///
    /// It can be compared only once all vnodes were asked about. While one of them cannot be, the others are asked about
    /// frame by frame.
    func compareSum(_ holding: Holding) throws(BalloonError) -> RecoveryProgress {
        if holding.isKnown {
            try noteSum(holding)
            return .done
        }
        let others = holdings.values.filter { $0 !== holding && !$0.isKnown }
        guard !others.contains(where: { $0.recovery == nil }) else { return askAboutEveryFrame([holding]) }
        guard others.allSatisfy({ $0.isAtSum }) else { return .waiting }
        guard try total() == knownTotal else { return askAboutEveryFrame(Array(holdings.values)) }
        for other in holdings.values { other.isKnown = true }
        var failure: BalloonError?
        for other in holdings.values {
            do throws(BalloonError) { try settle(other) } catch { if other === holding { failure = error } }
        }
        if let failure { throw failure }
        return .done
    }

    private func askAboutEveryFrame(_ holdings: [Holding]) -> RecoveryProgress {
        for holding in holdings {
            // Of one that an error left in doubt, too: it ends with that.
            var recovery = holding.recovery ?? Recovery(stage: .sum)
            recovery.stage = .everyFrame(next: 0)
            holding.recovery = recovery
            holding.isKnown = false
        }
        return .going(done: 0, of: holdings.reduce(0) { $0 + $1.slots.count })
    }

    /// Whether every frame of all balloons is known.
    func isSumComplete() throws(BalloonError) -> Bool {
        holdings.values.allSatisfy { $0.isKnown && $0.slots.sums.inDoubt == 0 }
    }

    /// Every frame is known: the sum is what the next recovery, of whichever process, compares with.
    func noteSum(_ holding: Holding) throws(BalloonError) {
        let total = try total()
        // A suspend since the first probe would be hidden by the sum for ever.
        for other in holdings.values { try checkNotSuspended(other) }
        // A process that only looks notes nothing: what an interrupted move left in the pool stands in the old note.
        if holdings.values.contains(where: \.reserve.isReading) { return try settle(holding) }
        // Once the new sum is noted it no longer reveals these partial extents, so they are noted first.
        for other in holdings.values where other.noted != .move { _ = try noteDoubts(other) }
        if total != knownTotal {
            try intents.note(total: total)
            knownTotal = total
        }
        try settle(holding)
    }

    public func distrust() throws(BalloonError) {
        knownTotal = nil
        // By a process after this one, too.
        try intents.note(total: nil)
    }

    private func total() throws(BalloonError) -> UInt64 {
        try hypervisor.currentReservation() + holdings.values.reduce(0) { $0 + $1.slots.sums.holes }
    }

    /// What was found to be a hole may be memory after a suspend, and populating memory loses it.
    ///
    /// A process is suspended between two system calls only, and this makes none: right before a hypercall it leaves
    /// room for nothing but a suspend within some hundred nanoseconds.
    func checkNotSuspended(_ holding: Holding) throws(BalloonError) {
        guard hypervisor.suspension().differs(from: holding.suspension) else { return }
        throw BalloonError(
            .suspended, "the domain was suspended meanwhile; its memory is audited again",
            vnode: holding.vnode.number)
    }
}

extension Holding {
    fileprivate var isAtSum: Bool {
        if case .sum? = recovery?.stage { return true }
        return false
    }
}
