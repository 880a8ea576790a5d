/// The host's figures for Prometheus. Pure.
///
/// Each sample of a domain has its number and its UUID: while a domain is migrated to its own host, two have one UUID, and
/// Prometheus refuses a file that says the same twice.
public struct HostMetrics {
    private var out = MetricsText(prefix: "vnode_balloon_host_")
    public var text: String { out.text }
    private typealias Labels = [(String, String)]
    private typealias Sample = MetricsText.Sample

    /// - Parameters:
    ///   - isWatched: whether the daemon runs; nil: not known.
    ///   - hasRows: false: xenstore did not answer, and the snapshot has Xen's figures alone.
    public init(version: String, isWatched: Bool?, _ snapshot: HostSnapshot, hasRows: Bool) {
        out.family("info", "gauge", "The version of the program; always 1.", [([("version", version)], 1)])
        out.family("daemon_up", "gauge", "1 while the daemon of dom0 runs.", [([], isWatched.map { $0 ? 1 : 0 })])
        out.family("xenstore_up", "gauge", "1 while xenstore answers.", [([], hasRows ? 1 : 0)])
        host(snapshot)
        nodes(snapshot, hasRows)
        domains(snapshot.domains)
        guard hasRows else { return }
        rows(of: snapshot.domains)
        let managed = snapshot.domains.filter { $0.isManaged && !$0.isToolstack }
        vnodes(managed.flatMap { domain in domain.vnodes.map { (Self.labels(domain, $0), $0) } })
    }

    // MARK: The machine

    private mutating func host(_ snapshot: HostSnapshot) {
        let machine = snapshot.machine
        out.family(
            "memory_bytes", "gauge", "Memory of the machine, as Xen counts it.", [([], machine.totalPages.kib.bytes)])
        out.family(
            "free_bytes", "gauge", "Memory of the machine that no domain has.", [([], machine.freePages.kib.bytes)])
        out.family(
            "claimed_bytes", "gauge", "Free memory that is promised to domains which are being built.",
            [([], machine.claimedPages.kib.bytes)])
    }

    private mutating func nodes(_ snapshot: HostSnapshot, _ hasRows: Bool) {
        func each(_ value: (PhysicalNode) -> UInt64) -> [Sample] {
            snapshot.nodes.map { ([("pnode", "\($0.number)")], value($0)) }
        }
        out.family(
            "pnode_span_bytes", "gauge", "Span of the physical node's addresses; it includes holes.",
            each(\.size.bytes))
        out.family(
            "pnode_free_bytes", "gauge", "Memory of the physical node that no domain has.", each(\.free.bytes))
        guard hasRows else { return }
        let report = HostReport(snapshot)
        out.family(
            "pnode_reserved_bytes", "gauge", "Memory of the physical node that reservations keep free.",
            each(\.reserved.bytes))
        out.family(
            "pnode_balloon_bytes", "gauge",
            "Size of the balloons of all vnodes on the physical node, where it is known.",
            each { report.balloons($0.number).balloons.bytes })
        out.family(
            "pnode_freeable_bytes", "gauge", "How much more the vnodes on the physical node could give.",
            each { report.balloons($0.number).slack.bytes })
        out.family(
            "pnode_vnodes", "gauge", "How many vnodes lie on the physical node.",
            each { UInt64(report.balloons($0.number).vnodes) })
    }

    // MARK: Domains

    private mutating func domains(_ domains: [HostDomain]) {
        out.family(
            "domain_memory_bytes", "gauge", "Memory that the domain has now, as Xen counts it.",
            domains.map { (Self.labels($0), $0.memory.bytes) })
        out.family(
            "domain_max_memory_bytes", "gauge", "Memory that Xen lets the domain have; absent without a limit.",
            domains.map { domain in
                let most = domain.facts.maxPages
                return (Self.labels(domain), most < Self.unlimited ? most.kib.bytes : nil)
            })
    }

    private mutating func rows(of domains: [HostDomain]) {
        let guests = domains.filter { !$0.isToolstack && $0.isIntroduced }
        func each(_ value: (HostDomain) -> Bool?) -> [Sample] {
            guests.map { (Self.labels($0), value($0).map { $0 ? 1 : 0 }) }
        }
        out.family(
            "domain_info", "gauge", "The domain's name and type; always 1. The other samples have its number and UUID.",
            domains.map { domain in
                (Self.labels(domain) + [("name", domain.name), ("type", domain.facts.kind.rawValue)], 1)
            })
        out.family(
            "domain_follows", "gauge", "1 while a daemon in the domain follows the targets of its vnodes.",
            each(\.isManaged))
        out.family(
            "domain_prepared", "gauge", "1 where the domain has the rows of the interface.",
            each { $0.feature != .absent })
        out.family(
            "domain_contradiction", "gauge",
            "1 while the domain's reports contradict Xen's count; absent where no daemon reports.",
            each { $0.isManaged ? $0.contradiction != nil : nil })
        out.family(
            "domain_legacy_target_removed", "gauge",
            "1 while memory/target is removed, so that xl leaves the domain out.",
            each { $0.legacyTarget == nil && $0.keptTarget != nil })
    }

    private mutating func vnodes(_ vnodes: [(labels: Labels, vnode: HostVNode)]) {
        func each(_ value: (HostVNode) -> KiB?) -> [Sample] { vnodes.map { ($0.labels, value($0.vnode)?.bytes) } }
        out.family("vnode_memory_bytes", "gauge", "Memory of the vnode, balloon included.", each(\.size))
        out.family(
            "size_bytes", "gauge", "Size of the balloon, as the guest reports it; absent while it is not known.",
            each(\.balloon))
        out.family(
            "target_bytes", "gauge", "Size that the balloon is asked to have; absent without a target.", each(\.target))
        out.family(
            "target_reached", "gauge",
            "1 where the guest has acknowledged the target and its balloon has that size; absent without a target.",
            vnodes.map { ($0.labels, $0.vnode.target == nil ? nil : $0.vnode.isReached ? 1 : 0) })
        out.family("min_bytes", "gauge", "The least memory that plans leave the vnode.", each(\.minimum))
        out.family("max_bytes", "gauge", "The most memory that plans let the vnode have.", each(\.maximum))
        out.family(
            "short_bytes", "gauge", "How much less memory the vnode has than its guest's guard keeps there.",
            each(\.short))
        out.family(
            "state", "gauge", "1 for the state that the guest reports, 0 for the others; absent while it is not known.",
            vnodes.flatMap { labels, vnode in
                HostVNode.State.allCases.map { state in
                    (labels + [("state", state.rawValue)], vnode.state.map { $0 == state ? 1 : 0 })
                }
            })
        out.family(
            "held", "gauge", "1 while the balloon is held, with the reason; absent when it is not.",
            vnodes.filter { $0.vnode.state == .held }
                .map { ($0.labels + [("reason", $0.vnode.reason?.rawValue ?? "")], 1) })
    }

    /// The most pages that Xen's number can say, which it has for a dom0 without a limit.
    private static let unlimited = Frames(UInt64(UInt32.max))

    private static func labels(_ domain: HostDomain) -> Labels {
        [("domain", "\(domain.id)"), ("uuid", domain.facts.uuid)]
    }

    private static func labels(_ domain: HostDomain, _ vnode: HostVNode) -> Labels {
        labels(domain) + [("vnode", "\(vnode.number)"), ("pnode", vnode.pnode.map { "\($0)" } ?? "")]
    }
}
