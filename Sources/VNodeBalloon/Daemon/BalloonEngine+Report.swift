// What `status` shows.
extension BalloonEngine {
    public func report(isRunning: Bool, isFallback: Bool, staticMaxKiB: UInt64?) throws(BalloonError) -> StatusReport {
        StatusReport(
            domain: .init(
                type: guest.kind.rawValue,
                currentReservationKib: try guest.figures.currentReservation() * 4,
                maximumReservationKib: try guest.figures.maximumReservation() * 4,
                staticMaxKib: staticMaxKiB, legacyTargetKib: reading.legacyTargetKiB),
            interface: reading.hasTargets || !isFallback ? "vnode" : reading.hasLegacyTarget ? "legacy" : "none",
            fallback: isFallback, backend: guest.mover.name, daemon: isRunning,
            granularityKib: guest.mover.granularityKiB, unaccountedKib: unaccountedKiB,
            forceError: forceError(isRunning: isRunning),
            driftedKib: drift.kib, pressurePermille: PressureWatch.waitedPermille(),
            vnodes: vnodeReports(isRunning: isRunning))
    }

    private func vnodeReports(isRunning: Bool) -> [StatusReport.VNodeReport] {
        let memory = memoryFacts(now)
        return controller.states.map { state in
            let node = memory?[state.vnode.number].map { ($0, controller.options.guardRule.keptKiB(on: $0)) }
            return StatusReport.VNodeReport(state, isRunning: isRunning, node: node)
        }
    }
}
