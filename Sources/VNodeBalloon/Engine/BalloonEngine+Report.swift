// What `status` shows.
extension BalloonEngine {
    public func report(isRunning: Bool, isFallback: Bool, staticMaxKiB: UInt64?) throws(BalloonError) -> StatusReport {
        StatusReport(
            domain: .init(
                type: guest.kind.rawValue,
                currentReservationKiB: try guest.figures.currentReservation().kib.count,
                maximumReservationKiB: try guest.figures.maximumReservation().kib.count,
                staticMaxKiB: staticMaxKiB, legacyTargetKiB: reading.legacyTargetKiB),
            interface: reading.hasTargets || !isFallback ? "vnode" : reading.hasLegacyTarget ? "legacy" : "none",
            fallback: isFallback, backend: guest.mover.name, daemon: isRunning,
            granularityKiB: guest.mover.granularityKiB, unaccountedKiB: unaccountedKiB,
            forceError: forceError(isRunning: isRunning),
            driftedKiB: drift.kib, pressurePermille: MemoryPressure.waitedPermille(),
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
