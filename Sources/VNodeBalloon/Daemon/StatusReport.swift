/// What `balloonctl status` shows. Sizes in KiB. Decodable, so that the command can lay out what a daemon said.
public struct StatusReport: Decodable, Equatable, Sendable {
    public struct Domain: Decodable, Equatable, Sendable {
        public var type: String
        public var currentReservationKib: UInt64
        public var maximumReservationKib: UInt64
        public var staticMaxKib: UInt64?
        public var legacyTargetKib: UInt64?
    }

    /// What all balloons have together; nil: of one it is not known.
    public var balloonsKib: UInt64? {
        vnodes.reduce(0) { sum, vnode in vnode.balloonKib.flatMap { kib in sum.map { $0 + kib } } }
    }

    public struct VNodeReport: Decodable, Equatable, Sendable {
        public var vnode: Int
        public var linuxNode: Int?
        public var sizeKib: UInt64
        public var targetKib: UInt64?
        public var forcedKib: UInt64?
        /// nil: not known.
        public var balloonKib: UInt64?
        /// What cannot be taken back, and is not part of the balloon.
        public var lostKib: UInt64
        public var state: String
        public var reason: String?
        /// What stands in the way, in a sentence.
        public var detail: String?
        /// Extents that were audited, of all, while that is under way.
        public var auditedExtents: Int?
        public var extents: Int?
        /// Of the node's memory: free, free or soon to be had, and what the guard keeps of that. nil: not known.
        public var nodeFreeKib: UInt64?
        public var nodeAvailableKib: UInt64?
        public var nodeKeptKib: UInt64?

        /// - Parameter node: the memory of the vnode's node, and what the guard keeps of it.
        public init(_ state: VNodeState, isRunning: Bool, node: (memory: NodeMemory, keptKiB: UInt64)? = nil) {
            nodeFreeKib = node?.memory.freeKiB
            nodeAvailableKib = node?.memory.availableKiB
            nodeKeptKib = node?.keptKiB
            vnode = state.vnode.number
            linuxNode = state.vnode.linuxNode
            sizeKib = state.vnode.sizeKiB
            targetKib = state.targetKiB
            forcedKib = state.forcedKiB
            balloonKib = state.balloonKiB
            self.state = isRunning ? state.activity.rawValue : VNodeActivity.stopped.rawValue
            reason = isRunning || state.balloonKiB == nil ? state.reason?.rawValue : nil
            lostKib = state.lostKiB
            detail = state.detail
            auditedExtents = state.audited?.done
            extents = state.audited?.all
        }

        func write(to json: inout JSONWriter) {
            json.member("vnode", vnode)
            json.member("linux_node", linuxNode)
            json.member("size_kib", sizeKib)
            json.member("target_kib", targetKib)
            json.member("forced_kib", forcedKib)
            json.member("balloon_kib", balloonKib)
            json.member("state", state)
            json.member("reason", reason)
            json.member("lost_kib", lostKib)
            json.member("detail", detail)
            json.member("audited_extents", auditedExtents)
            json.member("extents", extents)
            json.member("node_free_kib", nodeFreeKib)
            json.member("node_available_kib", nodeAvailableKib)
            json.member("node_kept_kib", nodeKeptKib)
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
    public var granularityKib: UInt64
    /// Memory that Xen does not have and that no balloon accounts for; nil: not known.
    public var unaccountedKib: UInt64?
    /// Why a forced size, or its release, does not outlive a restart, in a sentence.
    public var forceError: String?
    /// Whether xenstore answers the daemon: ``StoreCondition``; nil without a daemon.
    public var xenstore: String?
    /// Memory that Linux's own balloon took back beside ours since the daemon started: it may lie on any physical node.
    /// nil: not known, or of no meaning (one vnode, or Linux's balloon is the one that is moved).
    public var driftedKib: UInt64?
    /// How long some task waited for memory, of the last ten seconds, in thousandths; nil: the kernel does not measure it.
    public var pressurePermille: UInt64?
    public var vnodes: [VNodeReport]

    /// The daemon hears nothing of xenstore just now.
    public var isCutOff: Bool { xenstore.map { $0 != StoreCondition.open.rawValue } ?? false }

    public var json: String {
        var json = JSONWriter()
        json.object { json in
            json.member("schema", schema)
            json.key("domain")
            json.object { json in
                json.member("type", domain.type)
                json.member("current_reservation_kib", domain.currentReservationKib)
                json.member("maximum_reservation_kib", domain.maximumReservationKib)
                json.member("static_max_kib", domain.staticMaxKib)
                json.member("legacy_target_kib", domain.legacyTargetKib)
            }
            json.member("interface", interface)
            json.member("fallback", fallback)
            json.member("backend", backend)
            json.member("daemon", daemon)
            json.member("granularity_kib", granularityKib)
            json.member("unaccounted_kib", unaccountedKib)
            json.member("force_error", forceError)
            json.member("xenstore", xenstore)
            json.member("drifted_kib", driftedKib)
            json.member("pressure_permille", pressurePermille)
            json.key("vnodes")
            json.array(vnodes) { json, vnode in json.object { json in vnode.write(to: &json) } }
        }
        return json.text
    }
}
