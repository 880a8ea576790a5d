// Finds memory that no balloon accounts for: another process has it, or an earlier state directory, or it is lost.
extension BalloonEngine {
    /// Probes in one piece, at 23 us each.
    private static let probesAtOnce = 128

    /// Reads how much memory a graphics adapter has. Only HVM guests have one. Where xenstore does not say, it is not
    /// known how much memory the domain should have: as much as the adapter's could be missing unnoticed.
    func readVideo(_ store: (any Store)?) {
        do throws(BalloonError) {
            guard let store else { throw BalloonError(.store, "xenstore cannot be reached") }
            videoRAM = try VNodeInterface.videoRAM(store)
        } catch {
            isVideoUnknown = guest.kind == .hvm
        }
    }

    /// Asks Xen about a few more of the frames that the firmware reserves, until all are known.
    /// - Returns: whether there is more to ask.
    func continueAccount() -> Bool {
        guard !isAccountComplete, !isVideoUnknown, !isAccountImpossible else { return false }
        if account == nil {
            account = MemoryAccount(guest.kind, guest.firmware, videoRAM: videoRAM ?? .zero)
        }
        do throws(BalloonError) {
            let isDone = try account?.ask(atMost: Self.probesAtOnce) { (frame) throws(BalloonError) in
                try guest.figures.isMemory(frame)
            }
            isAccountComplete = isDone == true
        } catch {
            // privcmd stays locked, so a later try would fail, too.
            isAccountImpossible = error.code == .privcmdLocked
            if isAccountImpossible { return false }
            // Without these frames there is no sum. The next full read, a minute later, tries again.
            failures.log(log, "cannot add up the guest's memory", error, now: now)
            return false
        }
        return !isAccountComplete
    }

    /// Memory that Xen does not have and that no balloon accounts for; nil: not known.
    public var unaccounted: KiB? {
        guard isAccountComplete, let account else { return nil }
        var balloons: KiB = .zero
        var lost: KiB = .zero
        for vnode in guest.mover.vnodes.map(\.number) {
            guard isKnown(vnode), let frames = guest.mover.balloonFrames(vnode: vnode) else { return nil }
            balloons += frames.kib
            lost += guest.lost(vnode: vnode)
        }
        // Where each vnode has a balloon of its own, none of them includes Linux's part.
        if !guest.mover.includesLinuxBalloon, let linux = guest.linuxBalloon {
            guard let reading = try? linux.read() else { return nil }
            balloons += reading.balloon
        }
        guard let reservation = try? guest.figures.currentReservation() else { return nil }
        return account.unaccounted(reservation: reservation.kib, balloons: balloons, lost: lost)
    }
}
