/// What `balloonctl status` shows. Sizes in KiB. The daemon writes it and the command reads it, by the same keys:
/// docs/schema/status-1.json.
public struct StatusReport: Decodable, Equatable, Sendable {
    public struct Domain: Decodable, Equatable, Sendable {
        public var type: String
        public var currentReservationKiB: UInt64
        public var maximumReservationKiB: UInt64
        public var staticMaxKiB: UInt64?
        public var legacyTargetKiB: UInt64?

        package init(
            type: String, currentReservationKiB: UInt64, maximumReservationKiB: UInt64, staticMaxKiB: UInt64?,
            legacyTargetKiB: UInt64?
        ) {
            self.type = type
            self.currentReservationKiB = currentReservationKiB
            self.maximumReservationKiB = maximumReservationKiB
            self.staticMaxKiB = staticMaxKiB
            self.legacyTargetKiB = legacyTargetKiB
        }

        enum CodingKeys: String, CodingKey {
            case type
            case currentReservationKiB = "current_reservation_kib"
            case maximumReservationKiB = "maximum_reservation_kib"
            case staticMaxKiB = "static_max_kib"
            case legacyTargetKiB = "legacy_target_kib"
        }
    }

    /// What all balloons have together; nil: of one it is not known.
    public var balloonsKiB: UInt64? {
        vnodes.reduce(0) { sum, vnode in vnode.balloonKiB.flatMap { kib in sum.map { $0 + kib } } }
    }

    public struct VNodeReport: Decodable, Equatable, Sendable {
        public var vnode: Int
        public var linuxNode: Int?
        public var sizeKiB: UInt64
        public var targetKiB: UInt64?
        public var forcedKiB: UInt64?
        /// nil: not known.
        public var balloonKiB: UInt64?
        /// What cannot be taken back, and is not part of the balloon.
        public var lostKiB: UInt64
        public var state: String
        public var reason: String?
        /// What stands in the way, in a sentence.
        public var detail: String?
        /// Extents that were audited, of all, while that is under way.
        public var auditedExtents: Int?
        public var extents: Int?
        /// Of the node's memory: free, free or soon to be had, and what the guard keeps of that. nil: not known.
        public var nodeFreeKiB: UInt64?
        public var nodeAvailableKiB: UInt64?
        public var nodeKeptKiB: UInt64?

        /// - Parameter node: the memory of the vnode's node, and what the guard keeps of it.
        public init(_ state: VNodeState, isRunning: Bool, node: (memory: NodeMemory, keptKiB: UInt64)? = nil) {
            nodeFreeKiB = node?.memory.freeKiB
            nodeAvailableKiB = node?.memory.availableKiB
            nodeKeptKiB = node?.keptKiB
            vnode = state.vnode.number
            linuxNode = state.vnode.linuxNode
            sizeKiB = state.vnode.sizeKiB
            targetKiB = state.targetKiB
            forcedKiB = state.forcedKiB
            balloonKiB = state.balloonKiB
            self.state = isRunning ? state.activity.rawValue : VNodeActivity.stopped.rawValue
            reason = isRunning || state.balloonKiB == nil ? state.reason?.rawValue : nil
            lostKiB = state.lostKiB
            detail = state.detail
            auditedExtents = state.audited?.done
            extents = state.audited?.all
        }

        enum CodingKeys: String, CodingKey {
            case vnode
            case linuxNode = "linux_node"
            case sizeKiB = "size_kib"
            case targetKiB = "target_kib"
            case forcedKiB = "forced_kib"
            case balloonKiB = "balloon_kib"
            case state
            case reason
            case lostKiB = "lost_kib"
            case detail
            case auditedExtents = "audited_extents"
            case extents
            case nodeFreeKiB = "node_free_kib"
            case nodeAvailableKiB = "node_available_kib"
            case nodeKeptKiB = "node_kept_kib"
        }

        func write(to json: inout JSONWriter) {
            json.member(CodingKeys.vnode, vnode)
            json.member(CodingKeys.linuxNode, linuxNode)
            json.member(CodingKeys.sizeKiB, sizeKiB)
            json.member(CodingKeys.targetKiB, targetKiB)
            json.member(CodingKeys.forcedKiB, forcedKiB)
            json.member(CodingKeys.balloonKiB, balloonKiB)
            json.member(CodingKeys.state, state)
            json.member(CodingKeys.reason, reason)
            json.member(CodingKeys.lostKiB, lostKiB)
            json.member(CodingKeys.detail, detail)
            json.member(CodingKeys.auditedExtents, auditedExtents)
            json.member(CodingKeys.extents, extents)
            json.member(CodingKeys.nodeFreeKiB, nodeFreeKiB)
            json.member(CodingKeys.nodeAvailableKiB, nodeAvailableKiB)
            json.member(CodingKeys.nodeKeptKiB, nodeKeptKiB)
        }

        /// One alone: docs/schema/vnode-1.json.
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
    public var granularityKiB: UInt64
    /// Memory that Xen does not have and that no balloon accounts for; nil: not known.
    public var unaccountedKiB: UInt64?
    /// Why a forced size, or its release, does not outlive a restart, in a sentence.
    public var forceError: String?
    /// Whether xenstore answers the daemon: ``StoreCondition``; nil without a daemon.
    public var xenstore: String?
    /// Memory that Linux's own balloon took back beside ours since the daemon started: it may lie on any physical node.
    /// nil: not known, or of no meaning (one vnode, or Linux's balloon is the one that is moved).
    public var driftedKiB: UInt64?
    /// How long some task waited for memory, of the last ten seconds, in thousandths; nil: the kernel does not measure it.
    public var pressurePermille: UInt64?
    public var vnodes: [VNodeReport]

    enum CodingKeys: String, CodingKey {
        case schema
        case domain
        case interface
        case fallback
        case backend
        case daemon
        case granularityKiB = "granularity_kib"
        case unaccountedKiB = "unaccounted_kib"
        case forceError = "force_error"
        case xenstore
        case driftedKiB = "drifted_kib"
        case pressurePermille = "pressure_permille"
        case vnodes
    }

    package init(
        domain: Domain, interface: String, fallback: Bool, backend: String, daemon: Bool, granularityKiB: UInt64,
        unaccountedKiB: UInt64? = nil, forceError: String? = nil, xenstore: String? = nil, driftedKiB: UInt64? = nil,
        pressurePermille: UInt64? = nil, vnodes: [VNodeReport]
    ) {
        self.domain = domain
        self.interface = interface
        self.fallback = fallback
        self.backend = backend
        self.daemon = daemon
        self.granularityKiB = granularityKiB
        self.unaccountedKiB = unaccountedKiB
        self.forceError = forceError
        self.xenstore = xenstore
        self.driftedKiB = driftedKiB
        self.pressurePermille = pressurePermille
        self.vnodes = vnodes
    }

    /// The daemon hears nothing of xenstore just now.
    public var isCutOff: Bool { xenstore.map { $0 != StoreCondition.open.rawValue } ?? false }

    public var json: String {
        var json = JSONWriter()
        json.object { json in
            json.member(CodingKeys.schema, schema)
            json.key(CodingKeys.domain)
            json.object { json in
                json.member(Domain.CodingKeys.type, domain.type)
                json.member(Domain.CodingKeys.currentReservationKiB, domain.currentReservationKiB)
                json.member(Domain.CodingKeys.maximumReservationKiB, domain.maximumReservationKiB)
                json.member(Domain.CodingKeys.staticMaxKiB, domain.staticMaxKiB)
                json.member(Domain.CodingKeys.legacyTargetKiB, domain.legacyTargetKiB)
            }
            json.member(CodingKeys.interface, interface)
            json.member(CodingKeys.fallback, fallback)
            json.member(CodingKeys.backend, backend)
            json.member(CodingKeys.daemon, daemon)
            json.member(CodingKeys.granularityKiB, granularityKiB)
            json.member(CodingKeys.unaccountedKiB, unaccountedKiB)
            json.member(CodingKeys.forceError, forceError)
            json.member(CodingKeys.xenstore, xenstore)
            json.member(CodingKeys.driftedKiB, driftedKiB)
            json.member(CodingKeys.pressurePermille, pressurePermille)
            json.key(CodingKeys.vnodes)
            json.array(vnodes) { json, vnode in json.object { json in vnode.write(to: &json) } }
        }
        return json.text
    }
}
