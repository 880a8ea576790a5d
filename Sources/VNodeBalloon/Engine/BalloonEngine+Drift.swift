internal import Logging

// Notices when Linux's own balloon moves memory beside ours.
extension BalloonEngine {
    /// Linux's own balloon where its moves matter: with several vnodes, and where it is not the balloon that we move.
    private var driftingBalloon: KernelBalloon? {
        guest.mover.includesLinuxBalloon || guest.mover.domainVNodes.count < 2 ? nil : guest.linuxBalloon
    }

    /// Reads how much Linux's own balloon took back.
    func lookForDrift() {
        guard let balloon = driftingBalloon else { return drift.missed() }
        let now = self.now
        do throws(BalloonError) {
            drift.see(balloon: try balloon.read().balloon, now: now)
        } catch {
            drift.missed()
            failures.log(log, "cannot read the size of Linux's own balloon", error, now: now)
            return
        }
        guard let amount = drift.news() else { return }
        log.warning(
            "drifted: Linux's own balloon took memory back beside ours, which may lie on other physical nodes now; the toolstack should remove memory/target",
            metadata: .of(.otherBalloon, ["kib": "\(amount)"]))
    }
}
