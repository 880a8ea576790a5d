/// The report that `balloonctl status` shows. The daemon writes it and the command reads it, with the same keys:
/// docs/schema/status-1.json.
public struct StatusReport: Decodable, Equatable, Sendable {
    public struct Domain: Decodable, Equatable, Sendable {
        public var type: String
        public var currentReservation: KiB
        public var maximumReservation: KiB
        public var staticMax: KiB?
        public var legacyTarget: KiB?

        package init(
            type: String, currentReservation: KiB, maximumReservation: KiB, staticMax: KiB?,
            legacyTarget: KiB?
        ) {
            self.type = type
            self.currentReservation = currentReservation
            self.maximumReservation = maximumReservation
            self.staticMax = staticMax
            self.legacyTarget = legacyTarget
        }

        enum CodingKeys: String, CodingKey {
            case type
            case currentReservation = "current_reservation_kib"
            case maximumReservation = "maximum_reservation_kib"
            case staticMax = "static_max_kib"
            case legacyTarget = "legacy_target_kib"
        }
    }

    /// The size of all balloons together; nil: one of them is not known.
    public var given: KiB? {
        vnodes.reduce(.zero) { sum, vnode in vnode.balloon.flatMap { size in sum.map { $0 + size } } }
    }

    public struct VNodeReport: Decodable, Equatable, Sendable {
        public var vnode: Int
        public var linuxNode: Int?
        public var size: KiB
        public var target: KiB?
        public var forced: KiB?
        /// nil: not known.
        public var balloon: KiB?
        /// Memory that cannot be taken back. It is not part of the balloon.
        public var lost: KiB
        public var state: String
        public var reason: String?
        /// What keeps it from being known or from moving, in a sentence.
        public var detail: String?
        /// During an audit, how many extents were audited and how many there are.
        public var auditedExtents: Int?
        public var extents: Int?
        /// The node's memory: what is free, what is available, and how much of that the guard keeps. nil: not known.
        public var nodeFree: KiB?
        public var nodeAvailable: KiB?
        public var nodeKept: KiB?
        /// Memory that came from other physical nodes, at most; nil: not known, or not applicable.
        public var otherPNode: KiB?

        /// - Parameter node: the memory of the vnode's node, and how much of it the guard keeps.
        public init(_ state: VNodeState, isRunning: Bool, node: (memory: NodeMemory, kept: KiB)? = nil) {
            nodeFree = node?.memory.free
            nodeAvailable = node?.memory.available
            nodeKept = node?.kept
            vnode = state.vnode.number
            linuxNode = state.vnode.linuxNode
            size = state.vnode.size
            target = state.target
            forced = state.forced
            balloon = state.balloon
            self.state = isRunning ? state.activity.rawValue : VNodeActivity.stopped.rawValue
            reason = isRunning || state.balloon == nil ? state.reason?.rawValue : nil
            lost = state.lost
            detail = state.detail
            auditedExtents = state.audited?.done
            extents = state.audited?.all
        }

        enum CodingKeys: String, CodingKey {
            case vnode
            case linuxNode = "linux_node"
            case size = "size_kib"
            case target = "target_kib"
            case forced = "forced_kib"
            case balloon = "balloon_kib"
            case state
            case reason
            case lost = "lost_kib"
            case detail
            case auditedExtents = "audited_extents"
            case extents
            case nodeFree = "node_free_kib"
            case nodeAvailable = "node_available_kib"
            case nodeKept = "node_kept_kib"
            case otherPNode = "other_pnode_kib"
        }

        func write(to json: inout JSONWriter) {
            json.member(CodingKeys.vnode, vnode)
            json.member(CodingKeys.linuxNode, linuxNode)
            json.member(CodingKeys.size, size)
            json.member(CodingKeys.target, target)
            json.member(CodingKeys.forced, forced)
            json.member(CodingKeys.balloon, balloon)
            json.member(CodingKeys.state, state)
            json.member(CodingKeys.reason, reason)
            json.member(CodingKeys.lost, lost)
            json.member(CodingKeys.detail, detail)
            json.member(CodingKeys.auditedExtents, auditedExtents)
            json.member(CodingKeys.extents, extents)
            json.member(CodingKeys.nodeFree, nodeFree)
            json.member(CodingKeys.nodeAvailable, nodeAvailable)
            json.member(CodingKeys.nodeKept, nodeKept)
            json.member(CodingKeys.otherPNode, otherPNode)
        }

        /// The JSON of one vnode alone: docs/schema/vnode-1.json.
        public var json: String {
            var json = JSONWriter()
            json.object { json in
                json.member("schema", 1)
                write(to: &json)
            }
            return json.text
        }
    }

    public var schema = 1
    public var domain: Domain
    /// vnode, legacy or none.
    public var interface: String
    public var fallback: Bool
    public var backend: String
    public var daemon: Bool
    public var granularity: KiB
    /// Memory that Xen does not have and that no balloon accounts for; nil: not known.
    public var unaccounted: KiB?
    /// Why a forced size, or its release, will not survive a restart, in a sentence.
    public var forceError: String?
    /// Whether xenstore answers the daemon: ``StoreCondition``; nil without a daemon.
    public var xenstore: String?
    /// Memory that Linux's own balloon took back beside ours since the daemon started. It may lie on any physical node.
    /// nil: not known, or not applicable (one vnode, or Linux's balloon is the one that we move).
    public var drifted: KiB?
    /// The part of the last ten seconds in which some task waited for memory, in thousandths; nil: the kernel does not
    /// measure it.
    public var pressurePermille: UInt64?
    public var vnodes: [VNodeReport]

    enum CodingKeys: String, CodingKey {
        case schema
        case domain
        case interface
        case fallback
        case backend
        case daemon
        case granularity = "granularity_kib"
        case unaccounted = "unaccounted_kib"
        case forceError = "force_error"
        case xenstore
        case drifted = "drifted_kib"
        case pressurePermille = "pressure_permille"
        case vnodes
    }

    package init(
        domain: Domain, interface: String, fallback: Bool, backend: String, daemon: Bool, granularity: KiB,
        unaccounted: KiB? = nil, forceError: String? = nil, xenstore: String? = nil, drifted: KiB? = nil,
        pressurePermille: UInt64? = nil, vnodes: [VNodeReport]
    ) {
        self.domain = domain
        self.interface = interface
        self.fallback = fallback
        self.backend = backend
        self.daemon = daemon
        self.granularity = granularity
        self.unaccounted = unaccounted
        self.forceError = forceError
        self.xenstore = xenstore
        self.drifted = drifted
        self.pressurePermille = pressurePermille
        self.vnodes = vnodes
    }

    /// Whether xenstore does not answer the daemon at present.
    public var isCutOff: Bool { xenstore.map { $0 != StoreCondition.open.rawValue } ?? false }

    public var json: String {
        var json = JSONWriter()
        json.object { json in
            json.member(CodingKeys.schema, schema)
            json.key(CodingKeys.domain)
            json.object { json in
                json.member(Domain.CodingKeys.type, domain.type)
                json.member(Domain.CodingKeys.currentReservation, domain.currentReservation)
                json.member(Domain.CodingKeys.maximumReservation, domain.maximumReservation)
                json.member(Domain.CodingKeys.staticMax, domain.staticMax)
                json.member(Domain.CodingKeys.legacyTarget, domain.legacyTarget)
            }
            json.member(CodingKeys.interface, interface)
            json.member(CodingKeys.fallback, fallback)
            json.member(CodingKeys.backend, backend)
            json.member(CodingKeys.daemon, daemon)
            json.member(CodingKeys.granularity, granularity)
            json.member(CodingKeys.unaccounted, unaccounted)
            json.member(CodingKeys.forceError, forceError)
            json.member(CodingKeys.xenstore, xenstore)
            json.member(CodingKeys.drifted, drifted)
            json.member(CodingKeys.pressurePermille, pressurePermille)
            json.key(CodingKeys.vnodes)
            json.array(vnodes) { json, vnode in json.object { json in vnode.write(to: &json) } }
        }
        return json.text
    }
}
