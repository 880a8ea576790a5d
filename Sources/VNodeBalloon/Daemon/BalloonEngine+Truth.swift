internal import Logging

// What is true: after a start, a kill, a resume.
extension BalloonEngine {
    /// Finds out what is a hole, and ends what a killed process had begun. A vnode that cannot be looked at is held, and
    /// looked at again later; the others go on.
    /// - Throws: `.environment`: something about this machine that keeps any vnode from being looked at.
    public func recover() throws(BalloonError) {
        unseen = Set(guest.backend.vnodes.map(\.number))
        for vnode in unseen.sorted() {
            do throws(BalloonError) { try recover(vnode: vnode) } catch {
                if error.code == .environment { throw error }
                noteUnseen(vnode, error)
            }
        }
    }

    public func recover(vnode: Int) throws(BalloonError) {
        // A suspend in the middle of a look is followed by another one.
        for _ in 0..<3 {
            do throws(BalloonError) {
                _ = try guest.backend.recover(vnode: vnode)
                unseen.remove(vnode)
                return takeBalloons()
            } catch {
                guard error.code == .suspended else { throw error }
            }
        }
        throw BalloonError(.suspended, "the domain is suspended again and again", vnode: vnode)
    }

    /// A look at one vnode may have shown that others were not what they seemed; and Linux's own balloon may move.
    func takeBalloons() {
        for vnode in guest.backend.vnodes where !unseen.contains(vnode.number) {
            controller.setBalloon(frames: guest.backend.balloonFrames(vnode: vnode.number), vnode: vnode.number)
        }
        takeWaitingRequests()
    }

    /// Asks Xen about every frame of some slots. What is not as it was believed to be is put right by the next steps.
    public func lookAgain(vnode: Int, slots: Range<Int>) throws(BalloonError) {
        guard guest.backend.vnodes.contains(where: { $0.number == vnode }) else { return }
        _ = try guest.backend.lookAgain(vnode: vnode, slots: slots)
        unseen.remove(vnode)
        takeBalloons()
    }

    /// The kernel has set its xenstore watches again, as it does after a restore and a migration.
    ///
    /// The clocks do not show a migration to a host whose clock is behind. Nothing says then what a move meanwhile has
    /// hidden, so every frame is asked about.
    public func noticeResume() {
        // The clocks show it, or have shown it.
        if guest.figures.suspension().differs(from: suspension) { return }
        if let lastResume, Self.now < lastResume + Self.sameResume { return }
        log.notice("xenstore is another one, and the clocks did not show it")
        isResumeNoticed = true
        do throws(BalloonError) { try guest.backend.distrust() } catch {
            failures.log(log, "cannot note that memory is to be looked at", error, now: Self.now)
        }
    }

    /// A watch event that comes so soon after a jump of the clocks tells of the same resume. Nanoseconds.
    private static let sameResume: UInt64 = 1_000_000_000

    /// After a suspend, a restore or a migration nothing that was known counts.
    func recoverAfterResume() {
        let now = guest.figures.suspension()
        guard now.differs(from: suspension) || isResumeNoticed else { return }
        isResumeNoticed = false
        wasResumed = true
        let before = givenKiB
        log.notice(
            "suspended and resumed: looking at all memory again",
            metadata: ["suspended_ns": "\(now.nanoseconds &- suspension.nanoseconds)"])
        suspension = now
        // Before the first look: what was known of the last vnode does not count either.
        unseen = Set(guest.backend.vnodes.map(\.number))
        lookAtUnseen()
        controller.startAfresh()
        lastResume = Self.now
        log.notice("looked at all memory", metadata: ["balloon_kib": "\(givenKiB)", "before_kib": "\(before)"])
    }

    /// Frees what had to wait because the domain was being migrated.
    /// - Returns: when to try again; nil: nothing waits.
    func tidy(_ now: UInt64) -> UInt64? {
        var isWaiting = false
        for vnode in guest.backend.vnodes where !unseen.contains(vnode.number) {
            do throws(BalloonError) {
                if try guest.backend.tidy(vnode: vnode.number) { isWaiting = true }
            } catch {
                failures.log(log, "cannot free memory that came back", error, now: now)
                isWaiting = true
            }
        }
        return isWaiting ? now + Backoff.first : nil
    }

    private var givenKiB: UInt64 {
        guest.backend.vnodes.reduce(0) { $0 + guest.backend.balloonFrames(vnode: $1.number) * 4 }
    }

    /// Tries to look at the vnodes that could not be looked at.
    public func lookAtUnseen() {
        for vnode in unseen.sorted() { _ = look(vnode) }
        if unseen.isEmpty { looking.reset() } else { looking.failed(now: Self.now) }
    }

    func look(_ vnode: Int) -> Bool {
        do throws(BalloonError) {
            try recover(vnode: vnode)
            return true
        } catch {
            noteUnseen(vnode, error)
            return false
        }
    }

    private func noteUnseen(_ vnode: Int, _ error: BalloonError) {
        unseen.insert(vnode)
        controller.setUnknown(obstacle(error) ?? .moved, vnode: vnode)
        log.error("audit failed", metadata: ["vnode": "\(vnode)", "error": "\(error)"])
    }
}
