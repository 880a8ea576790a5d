/// What `balloonctl status` shows. Sizes in KiB. Decodable, so that the command can lay out what a daemon said.
public struct StatusReport: Decodable, Equatable, Sendable {
    public struct Domain: Decodable, Equatable, Sendable {
        public var type: String
        public var current_reservation_kib: UInt64
        public var maximum_reservation_kib: UInt64
        public var static_max_kib: UInt64?
        public var legacy_target_kib: UInt64?
    }

    public struct VNodeReport: Decodable, Equatable, Sendable {
        public var vnode: Int
        public var linux_node: Int?
        public var size_kib: UInt64
        public var target_kib: UInt64?
        public var forced_kib: UInt64?
        public var balloon_kib: UInt64
        public var state: String
        public var reason: String?

        public init(_ state: VNodeState, isRunning: Bool) {
            vnode = state.vnode.number
            linux_node = state.vnode.linuxNode
            size_kib = state.vnode.sizeKiB
            target_kib = state.targetKiB
            forced_kib = state.forcedKiB
            balloon_kib = state.balloonKiB
            self.state = isRunning ? state.activity.rawValue : VNodeActivity.stopped.rawValue
            reason = isRunning ? state.reason?.rawValue : nil
        }

        func write(to json: inout JSONWriter) {
            json.object { json in
                json.member("vnode", vnode)
                json.member("linux_node", linux_node)
                json.member("size_kib", size_kib)
                json.member("target_kib", target_kib)
                json.member("forced_kib", forced_kib)
                json.member("balloon_kib", balloon_kib)
                json.member("state", state)
                json.member("reason", reason)
            }
        }

        public var json: String {
            var json = JSONWriter()
            write(to: &json)
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
    public var granularity_kib: UInt64
    public var vnodes: [VNodeReport]

    public var json: String {
        var json = JSONWriter()
        json.object { json in
            json.member("schema", schema)
            json.key("domain")
            json.object { json in
                json.member("type", domain.type)
                json.member("current_reservation_kib", domain.current_reservation_kib)
                json.member("maximum_reservation_kib", domain.maximum_reservation_kib)
                json.member("static_max_kib", domain.static_max_kib)
                json.member("legacy_target_kib", domain.legacy_target_kib)
            }
            json.member("interface", interface)
            json.member("fallback", fallback)
            json.member("backend", backend)
            json.member("daemon", daemon)
            json.member("granularity_kib", granularity_kib)
            json.key("vnodes")
            json.array(vnodes) { json, vnode in vnode.write(to: &json) }
        }
        return json.text
    }
}
