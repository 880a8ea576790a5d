internal import Logging

// Recoveries find out what is true after a start, a kill, a resume or an error. They go in pieces, between all other
// work.
extension BalloonEngine {
    /// How much is known about a vnode.
    enum Knowledge {
        case known
        /// It is being audited.
        case underWay
        /// An audit failed. It is tried again.
        case failed(due: Backoff)
    }

    /// How long a turn spends on pieces of recoveries. One more piece may follow: together they must stay below 20 ms.
    static let recoveryTime: Interval = .milliseconds(5)

    /// Begins to audit all vnodes. A vnode whose audit cannot begin is held, and tried again later. The others go on.
    /// - Throws: `.environment`: something about this machine that keeps any vnode from being audited.
    public func beginRecovery() throws(BalloonError) {
        for vnode in guest.mover.vnodes.map(\.number) {
            if let error = beginAudit(vnode, .all), error.code == .environment { throw error }
        }
    }

    /// Audits all vnodes to the end: for commands without a daemon.
    /// - Parameter progress: called after each piece.
    public func recover(_ progress: () -> Void = {}) throws(BalloonError) {
        try beginRecovery()
        while isRecovering {
            recoverAfterResume()
            continueRecovery()
            progress()
        }
    }

    /// Whether a vnode is being audited.
    public var isRecovering: Bool { knowledge.values.contains { if case .underWay = $0 { true } else { false } } }

    func isKnown(_ vnode: Int) -> Bool {
        if case .known? = knowledge[vnode] { return true }
        return false
    }

    /// Begins a new audit of a vnode.
    /// - Returns: the error that kept it from beginning.
    @discardableResult
    func beginAudit(_ vnode: Int, _ scope: RecoveryScope) -> BalloonError? {
        do throws(BalloonError) {
            try guest.mover.beginRecovery(vnode: vnode, scope)
            knowledge[vnode] = .underWay
            controller.setUnknown(.looking, vnode: vnode)
            return nil
        } catch {
            noteFailure(vnode, error)
            return error
        }
    }

    /// Does pieces of the recoveries that are under way, for a few milliseconds.
    /// - Returns: whether any recovery was under way.
    @discardableResult
    package func continueRecovery() -> Bool {
        let end = now + Self.recoveryTime
        var any = false
        repeat {
            let vnodes = guest.mover.vnodes.map(\.number).filter {
                if case .underWay? = knowledge[$0] { true } else { false }
            }
            guard !vnodes.isEmpty else { break }
            any = true
            for vnode in vnodes where now < end && !isSuspendAhead { continueRecovery(vnode) }
        } while now < end && !isSuspendAhead
        // One vnode's recovery may begin the other vnodes' recoveries anew.
        if any { takeBalloons() }
        return any
    }

    /// The clocks show a suspend: the next turn begins all recoveries anew, so a further piece now would be wasted.
    private var isSuspendAhead: Bool { guest.figures.suspension().differs(from: suspension) }

    private func continueRecovery(_ vnode: Int) {
        do throws(BalloonError) {
            switch try guest.mover.continueRecovery(vnode: vnode) {
            case .going(let done, let all):
                let audited = AuditedExtents(done: done, all: all)
                controller.setUnknown(.looking, audited: audited, vnode: vnode)
            case .waiting: break
            case .done:
                knowledge[vnode] = .known
                failures.succeeded(Self.auditFailed(vnode))
            }
        } catch {
            if error.code == .suspended {
                // Where the clocks show the suspend, the loop begins all recoveries anew.
                if !guest.figures.suspension().differs(from: suspension) { beginAudit(vnode, .frames) }
            } else {
                guest.mover.abandonRecovery(vnode: vnode)
                noteFailure(vnode, error)
            }
        }
    }

    private func noteFailure(_ vnode: Int, _ error: BalloonError) {
        var backoff = Backoff()
        if case .failed(let before)? = knowledge[vnode] { backoff = before }
        if let before = retries[vnode] { backoff = before }
        backoff.failed(now: now)
        retries[vnode] = backoff
        knowledge[vnode] = .failed(due: backoff)
        controller.setUnknown(obstacle(error) ?? .looking, detail: error.description, vnode: vnode)
        failures.log(log, Self.auditFailed(vnode), error, now: now)
    }

    private static func auditFailed(_ vnode: Int) -> String { "vnode \(vnode) cannot be audited" }

    /// Tries again what failed and is due.
    /// - Returns: when to come again.
    func retryRecovery(_ now: Moment) -> Moment? {
        var next: Moment?
        for vnode in guest.mover.vnodes.map(\.number) {
            guard case .failed(let backoff)? = knowledge[vnode] else { continue }
            if backoff.isDue(now: now) { beginAudit(vnode, .all) }
            // It may have failed again just now.
            guard case .failed(let backoff)? = knowledge[vnode] else { continue }
            next = min(next ?? .never, backoff.due ?? now)
        }
        return next
    }

    /// Tries again to bring back extents that left a file: the host may have had no memory for them, or the domain was
    /// being migrated. Only this process knows their frames. The vnode stays known meanwhile; it is audited anew only
    /// once such an extent is back.
    /// - Returns: when to come again; nil: nothing is missing.
    func bringBackLost(_ now: Moment) -> Moment? {
        guard let files = guest.files else { return nil }
        var next: Moment?
        for vnode in guest.mover.vnodes.map(\.number) {
            guard files.mayBringBack(vnode: vnode) else {
                lostRetries[vnode] = nil
                continue
            }
            guard isKnown(vnode) else { continue }
            var backoff = lostRetries[vnode] ?? Backoff()
            // The audit that has just ended was the first try.
            if lostRetries[vnode] == nil { backoff.failed(now: now) }
            if backoff.isDue(now: now) {
                backoff.failed(now: now)
                do throws(BalloonError) {
                    if try files.bringBack(vnode: vnode) { beginAudit(vnode, .all) }
                } catch {
                    failures.log(log, "cannot bring back memory that was lost", error, now: now)
                }
            }
            next = min(next ?? .never, backoff.due ?? now)
            lostRetries[vnode] = backoff
        }
        return next
    }

    /// Tries failed audits again at once: something changed that may have stood in their way.
    public func retryRecoveryNow() {
        for vnode in guest.mover.vnodes.map(\.number) {
            if case .failed? = knowledge[vnode] { beginAudit(vnode, .all) }
        }
    }

    /// Takes the size of each known balloon from the mover. Linux's own balloon may have moved meanwhile.
    func takeBalloons() {
        for vnode in guest.mover.vnodes.map(\.number) {
            guard isKnown(vnode) else { continue }
            guard let frames = guest.mover.balloonFrames(vnode: vnode) else {
                // Another vnode's recovery made this one be audited anew, or a file of sysfs cannot be read.
                knowledge[vnode] = .underWay
                controller.setUnknown(.looking, vnode: vnode)
                continue
            }
            retries[vnode] = nil
            controller.setBalloon(frames: frames, lost: guest.lost(vnode: vnode), vnode: vnode)
        }
        takeWaitingRequests()
    }

    /// Asks Xen about every frame of some slots. The next steps mend what differs from our belief.
    public func lookAgain(vnode: Int, slots: Range<Int>) throws(BalloonError) {
        guard guest.mover.vnodes.contains(where: { $0.number == vnode }) else { return }
        do throws(BalloonError) { try look(vnode, slots) } catch {
            // The error left some slots in doubt.
            beginAudit(vnode, .doubts)
            throw error
        }
        takeBalloons()
    }

    private func look(_ vnode: Int, _ slots: Range<Int>) throws(BalloonError) {
        if let audited = guest.slots { return try audited.lookAgain(vnode: vnode, slots: slots) }
        // This mover has a size and no slots. What is still unknown after one piece is left to the next turns.
        try guest.mover.beginRecovery(vnode: vnode, .doubts)
        _ = try guest.mover.continueRecovery(vnode: vnode)
    }

    // MARK: Suspend

    /// The kernel has registered its xenstore watches again, as it does after a restore and a migration.
    ///
    /// The clocks do not show a migration to a host whose clock is behind. A move may have hidden the change of the
    /// total meanwhile, so Xen is asked about every frame.
    public func noticeResume() {
        // The clocks show this resume now, or have shown it already.
        if guest.figures.suspension().differs(from: suspension) { return }
        if let lastResume, now < lastResume + Self.sameResume { return }
        log.notice("the domain has another xenstore, and the clocks did not show a resume")
        isResumeNoticed = true
        do throws(BalloonError) { try guest.mover.distrust() } catch {
            failures.log(log, "cannot note that all memory must be audited", error, now: now)
        }
    }

    /// A watch event within this time of a jump of the clocks belongs to the same resume.
    private static let sameResume: Interval = .seconds(1)

    /// After a suspend, a restore or a migration, discards all that was known and begins to audit every vnode.
    func recoverAfterResume() {
        let clocks = guest.figures.suspension()
        guard clocks.differs(from: suspension) || isResumeNoticed else { return }
        isResumeNoticed = false
        wasResumed = true
        log.notice(
            "suspended and resumed: auditing all memory again",
            metadata: ["suspended_ns": "\(clocks.suspended.nanoseconds &- suspension.suspended.nanoseconds)"])
        suspension = clocks
        // All audits begin before the first piece runs: what was known of the last vnode is void, too.
        for vnode in guest.mover.vnodes.map(\.number) { beginAudit(vnode, .frames) }
        controller.startAfresh()
        lastResume = now
    }

    /// Frees slots that had to wait because the domain was being migrated.
    /// - Returns: when to come again; nil: nothing waits.
    func tidy(_ now: Moment) -> Moment? {
        guard let files = guest.files else { return nil }
        var due: Moment?
        for vnode in guest.mover.vnodes.map(\.number) where isKnown(vnode) {
            do throws(BalloonError) {
                switch try files.tidy(vnode: vnode) {
                case .done: continue
                case .more: due = now
                case .waiting: due = min(due ?? .never, now + Backoff.first)
                }
            } catch {
                failures.log(log, "cannot free memory that came back", error, now: now)
                // The error may have come while Xen was being asked. Then some slots are in doubt.
                if guest.mover.balloonFrames(vnode: vnode) == nil { beginAudit(vnode, .doubts) }
                due = min(due ?? .never, now + Backoff.first)
            }
        }
        return due
    }
}
