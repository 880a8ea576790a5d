// Memory that no balloon accounts for: another process's, one of an earlier state directory, a lost one.
extension BalloonEngine {
    /// Probes at once, at 23 us each.
    private static let probesAtOnce = 128

    /// Reads how much memory the graphics adapter has; only HVM guests have one. If xenstore does not say, it is not
    /// known what the domain should have: that much memory could be missing unnoticed.
    func readVideo(_ store: (any Store)?) {
        do throws(BalloonError) {
            guard let store else { throw BalloonError(.store, "xenstore cannot be reached") }
            videoRAM = try VNodeInterface.videoRAM(store)
        } catch {
            isVideoUnknown = guest.kind == .hvm
        }
    }

    /// Asks Xen a little more about what the firmware reserves, until that is known.
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
            // A later try would end in the same way.
            isAccountImpossible = error.code == .privcmdLocked
            if isAccountImpossible { return false }
            // Without these frames nothing can be said: it is tried again with the next minute's reading.
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
        // Where each vnode has a balloon of its own, none of them contains what Linux's own balloon holds.
        if !guest.mover.includesLinuxBalloon, let linux = guest.linuxBalloon {
            guard let reading = try? linux.read() else { return nil }
            balloons += reading.balloon
        }
        guard let reservation = try? guest.figures.currentReservation() else { return nil }
        return account.unaccounted(reservation: reservation.kib, balloons: balloons, lost: lost)
    }
}
