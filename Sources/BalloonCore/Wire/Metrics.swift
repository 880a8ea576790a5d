/// The guest's figures for Prometheus. Pure.
public struct Metrics {
    private var out = MetricsText(prefix: "vnode_balloon_")
    public var text: String { out.text }

    /// - Parameters:
    ///   - report: nil without a daemon.
    ///   - holderIsUp: nil: not known.
    ///   - files: how much memory the balloons' files have; known without a daemon, too.
    public init(
        version: String, report: StatusReport?, counters: Counters?, holderIsUp: Bool?, files: KiB?
    ) {
        out.family("daemon_up", "gauge", "1 while a daemon follows the targets.", [([], report == nil ? 0 : 1)])
        out.family(
            "holder_up", "gauge", "1 while the process that keeps the balloons' pages runs.",
            [([], holderIsUp.map { $0 ? 1 : 0 })])
        out.family("files_bytes", "gauge", "Memory in the balloons' files, given or not.", [([], files?.bytes)])
        if let report {
            let names = [
                ("version", version), ("domain_type", report.domain.type), ("backend", report.backend),
                ("interface", report.interface),
            ]
            out.family("info", "gauge", "The guest and how its memory is moved; always 1.", [(names, 1)])
            domain(report)
            vnodes(report.vnodes)
        }
        if let counters {
            count(counters, nodes: report?.vnodes ?? [])
            durations(counters)
        }
    }

    // MARK: What is now

    private mutating func domain(_ report: StatusReport) {
        let domain = report.domain
        out.family(
            "domain_reservation_bytes", "gauge", "Memory that the domain has now, as Xen counts it.",
            [([], domain.currentReservation.bytes)])
        out.family(
            "domain_max_reservation_bytes", "gauge", "Memory that Xen lets the domain have.",
            [([], domain.maximumReservation.bytes)])
        out.family(
            "granularity_bytes", "gauge", "Targets are rounded down to a multiple of this.",
            [([], report.granularity.bytes)])
        out.family(
            "legacy_target_present", "gauge", "1 while memory/target is there beside the vnodes' own targets.",
            [([], domain.legacyTarget != nil && report.interface == "vnode" ? 1 : 0)])
        out.family("xenstore_up", "gauge", "1 while xenstore answers the daemon.", [([], report.isCutOff ? 0 : 1)])
        out.family(
            "unaccounted_bytes", "gauge",
            "Memory that Xen does not have and no balloon accounts for; absent while unknown.",
            [([], report.unaccounted?.bytes)])
        out.family(
            "drifted_bytes", "gauge", "Memory that Linux's own balloon took back beside ours; absent while unknown.",
            [([], report.drifted?.bytes)])
    }

    private mutating func vnodes(_ vnodes: [StatusReport.VNodeReport]) {
        func each(_ value: (StatusReport.VNodeReport) -> KiB?) -> [MetricsText.Sample] {
            vnodes.map { (Self.labels($0), value($0)?.bytes) }
        }
        out.family("vnode_memory_bytes", "gauge", "Memory of the vnode, balloon included.", each(\.size))
        out.family(
            "size_bytes", "gauge", "Memory of the vnode that Xen has now; absent while it is not known.",
            each(\.balloon))
        out.family(
            "target_bytes", "gauge", "Size that the toolstack asks the balloon to have; absent without a target.",
            each(\.target))
        out.family("forced_bytes", "gauge", "Size that an administrator forced; absent without one.", each(\.forced))
        out.family(
            "lost_bytes", "gauge", "Memory that cannot be taken back before the guest starts again.", each(\.lost))
        let states: [VNodeActivity] = [.idle, .inflating, .deflating, .held, .stopped]
        out.family(
            "state", "gauge", "1 for the state that the balloon is in, 0 for the others.",
            vnodes.flatMap { vnode in
                states.map { state in
                    (Self.labels(vnode) + [("state", state.rawValue)], vnode.state == state.rawValue ? 1 : 0)
                }
            })
        out.family(
            "held", "gauge", "1 while the balloon is held, with the reason; absent when it is not.",
            vnodes.compactMap { vnode in
                guard vnode.state == VNodeActivity.held.rawValue else { return nil }
                return (Self.labels(vnode) + [("reason", vnode.reason ?? "")], 1)
            })
    }

    // MARK: What was done

    private mutating func count(_ counters: Counters, nodes: [StatusReport.VNodeReport]) {
        func each(_ value: (Counters.VNode) -> UInt64) -> [MetricsText.Sample] {
            counters.vnodes.map { vnode in
                (
                    nodes.first { $0.vnode == vnode.vnode }.map(Self.labels) ?? [("vnode", "\(vnode.vnode)")],
                    value(vnode)
                )
            }
        }
        out.family(
            "inflated_bytes_total", "counter", "Memory given to Xen since the daemon started.",
            each(\.inflated.bytes))
        out.family(
            "deflated_bytes_total", "counter", "Memory taken back from Xen since the daemon started.",
            each(\.deflated.bytes))
        out.family("steps_total", "counter", "Steps since the daemon started.", each(\.steps))
        out.family(
            "short_steps_total", "counter", "Steps that did less than they were asked to, or failed.",
            each(\.shortSteps))
        out.family(
            "failures_total", "counter", "Failures since the daemon started, by kind.",
            counters.failures.map { ([("kind", $0.kind)], $0.count) })
    }

    private mutating func durations(_ counters: Counters) {
        out.histogram(
            "step_duration_seconds", "How long steps took.", bounds: Counters.bounds, counts: counters.durations,
            sumMicroseconds: counters.durationSumMicroseconds, count: counters.durationCount)
    }

    private static func labels(_ vnode: StatusReport.VNodeReport) -> [(String, String)] {
        [("vnode", "\(vnode.vnode)"), ("node", vnode.linuxNode.map { "\($0)" } ?? "")]
    }
}
