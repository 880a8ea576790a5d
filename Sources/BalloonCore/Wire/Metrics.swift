/// Prometheus' text format, for node_exporter's textfile collector. Pure.
public struct Metrics {
    public private(set) var text = ""

    /// - Parameters:
    ///   - report: nil without a daemon.
    ///   - holderIsUp: nil: not known.
    ///   - files: how much memory the balloons' files have; known without a daemon, too.
    public init(
        version: String, report: StatusReport?, counters: Counters?, holderIsUp: Bool?, files: KiB?
    ) {
        family("daemon_up", "gauge", "1 while a daemon follows the targets.", [([], report == nil ? 0 : 1)])
        family(
            "holder_up", "gauge", "1 while the process that keeps the balloons' pages runs.",
            [([], holderIsUp.map { $0 ? 1 : 0 })])
        family("files_bytes", "gauge", "Memory in the balloons' files, given or not.", [([], files?.bytes)])
        if let report {
            let names = [
                ("version", version), ("domain_type", report.domain.type), ("backend", report.backend),
                ("interface", report.interface),
            ]
            family("info", "gauge", "The guest and how its memory is moved; always 1.", [(names, 1)])
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
        family(
            "domain_reservation_bytes", "gauge", "Memory that the domain has now, as Xen counts it.",
            [([], domain.currentReservation.bytes)])
        family(
            "domain_max_reservation_bytes", "gauge", "Memory that Xen lets the domain have.",
            [([], domain.maximumReservation.bytes)])
        family(
            "granularity_bytes", "gauge", "Targets are rounded down to a multiple of this.",
            [([], report.granularity.bytes)])
        family(
            "legacy_target_present", "gauge", "1 while memory/target is there beside the vnodes' own targets.",
            [([], domain.legacyTarget != nil && report.interface == "vnode" ? 1 : 0)])
        family("xenstore_up", "gauge", "1 while xenstore answers the daemon.", [([], report.isCutOff ? 0 : 1)])
        family(
            "unaccounted_bytes", "gauge",
            "Memory that Xen does not have and no balloon accounts for; absent while unknown.",
            [([], report.unaccounted?.bytes)])
        family(
            "drifted_bytes", "gauge", "Memory that Linux's own balloon took back beside ours; absent while unknown.",
            [([], report.drifted?.bytes)])
    }

    private mutating func vnodes(_ vnodes: [StatusReport.VNodeReport]) {
        func each(_ value: (StatusReport.VNodeReport) -> KiB?) -> [Sample] {
            vnodes.map { (Self.labels($0), value($0)?.bytes) }
        }
        family("vnode_memory_bytes", "gauge", "Memory of the vnode, balloon included.", each(\.size))
        family(
            "size_bytes", "gauge", "Memory of the vnode that Xen has now; absent while it is not known.",
            each(\.balloon))
        family(
            "target_bytes", "gauge", "Size that the toolstack asks the balloon to have; absent without a target.",
            each(\.target))
        family("forced_bytes", "gauge", "Size that an administrator forced; absent without one.", each(\.forced))
        family(
            "lost_bytes", "gauge", "Memory that cannot be taken back before the guest starts again.", each(\.lost))
        let states: [VNodeActivity] = [.idle, .inflating, .deflating, .held, .stopped]
        family(
            "state", "gauge", "1 for the state that the balloon is in, 0 for the others.",
            vnodes.flatMap { vnode in
                states.map { state in
                    (Self.labels(vnode) + [("state", state.rawValue)], vnode.state == state.rawValue ? 1 : 0)
                }
            })
        family(
            "held", "gauge", "1 while the balloon is held, with the reason; absent when it is not.",
            vnodes.compactMap { vnode in
                guard vnode.state == VNodeActivity.held.rawValue else { return nil }
                return (Self.labels(vnode) + [("reason", vnode.reason ?? "")], 1)
            })
    }

    // MARK: What was done

    private mutating func count(_ counters: Counters, nodes: [StatusReport.VNodeReport]) {
        func each(_ value: (Counters.VNode) -> UInt64) -> [Sample] {
            counters.vnodes.map { vnode in
                (
                    nodes.first { $0.vnode == vnode.vnode }.map(Self.labels) ?? [("vnode", "\(vnode.vnode)")],
                    value(vnode)
                )
            }
        }
        family(
            "inflated_bytes_total", "counter", "Memory given to Xen since the daemon started.",
            each(\.inflated.bytes))
        family(
            "deflated_bytes_total", "counter", "Memory taken back from Xen since the daemon started.",
            each(\.deflated.bytes))
        family("steps_total", "counter", "Steps since the daemon started.", each(\.steps))
        family(
            "short_steps_total", "counter", "Steps that did less than they were asked to, or failed.",
            each(\.shortSteps))
        family(
            "failures_total", "counter", "Failures since the daemon started, by kind.",
            counters.failures.map { ([("kind", $0.kind)], $0.count) })
    }

    private mutating func durations(_ counters: Counters) {
        let name = "vnode_balloon_step_duration_seconds"
        head(name, "histogram", "How long steps took.")
        var sum: UInt64 = 0
        for (bound, count) in zip(Counters.bounds, counters.durations) {
            sum += count
            text += "\(name)_bucket{le=\"\(Self.seconds(bound))\"} \(sum)\n"
        }
        text += "\(name)_bucket{le=\"+Inf\"} \(counters.durationCount)\n"
        text += "\(name)_sum \(Self.seconds(counters.durationSumMicroseconds))\n"
        text += "\(name)_count \(counters.durationCount)\n"
    }

    // MARK: The format

    private typealias Sample = (labels: [(String, String)], value: UInt64?)

    /// Writes a family of samples. A family without a sample is left out.
    private mutating func family(_ name: String, _ type: String, _ help: String, _ samples: [Sample]) {
        guard samples.contains(where: { $0.value != nil }) else { return }
        head("vnode_balloon_" + name, type, help)
        for sample in samples {
            guard let value = sample.value else { continue }
            let labels = sample.labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
            text += "vnode_balloon_\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(value)\n"
        }
    }

    private mutating func head(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    private static func labels(_ vnode: StatusReport.VNodeReport) -> [(String, String)] {
        [("vnode", "\(vnode.vnode)"), ("node", vnode.linuxNode.map { "\($0)" } ?? "")]
    }

    /// Microseconds as seconds, without a Double: 2500 is 0.0025.
    private static func seconds(_ microseconds: UInt64) -> String {
        var fraction = "\(microseconds % 1_000_000 + 1_000_000)".dropFirst()
        while fraction.last == "0" { fraction.removeLast() }
        return "\(microseconds / 1_000_000)" + (fraction.isEmpty ? "" : ".\(fraction)")
    }

    private static func escaped(_ value: String) -> String {
        value.flatMap { character -> [Character] in
            switch character {
            case "\\": ["\\", "\\"]
            case "\"": ["\\", "\""]
            case "\n": ["\\", "n"]
            default: [character]
            }
        }.reduce(into: "") { $0.append($1) }
    }
}
