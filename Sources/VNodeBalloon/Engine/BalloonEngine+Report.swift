// Makes the report that `status` shows.
extension BalloonEngine {
    public func report(isRunning: Bool, isFallback: Bool, staticMax: KiB?) throws(BalloonError) -> StatusReport {
        StatusReport(
            domain: .init(
                type: guest.kind.rawValue,
                currentReservation: try guest.figures.currentReservation().kib,
                maximumReservation: try guest.figures.maximumReservation().kib,
                staticMax: staticMax, legacyTarget: reading.legacyTarget),
            interface: reading.hasTargets || !isFallback ? "vnode" : reading.hasLegacyTarget ? "legacy" : "none",
            fallback: isFallback, backend: guest.mover.name, daemon: isRunning,
            granularity: guest.mover.granularity, unaccounted: unaccounted,
            forceError: forceError(isRunning: isRunning),
            drifted: drift.amount, pressurePermille: MemoryPressure.waitedPermille(),
            vnodes: vnodeReports(isRunning: isRunning))
    }

    private func vnodeReports(isRunning: Bool) -> [StatusReport.VNodeReport] {
        let memory = memoryFacts(now)
        let elsewhere = elsewhere
        return controller.states.map { state in
            let node = memory?[state.vnode.number].map { ($0, controller.options.guardRule.kept(on: $0)) }
            var report = StatusReport.VNodeReport(state, isRunning: isRunning, node: node)
            report.otherPNode = elsewhere[state.vnode.number]?.kib
            return report
        }
    }
}
