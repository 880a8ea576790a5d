/// The answer to the request `slots`: what can be audited.
public struct SlotsAnswer: Decodable, Equatable, Sendable {
    public struct VNode: Decodable, Equatable, Sendable {
        public var vnode: Int
        /// nil: the vnode's balloon is not known.
        public var slots: Int?
        /// What keeps it from being known; nil: the vnode is being audited.
        public var detail: String?

        package init(vnode: Int, slots: Int?, detail: String?) {
            self.vnode = vnode
            self.slots = slots
            self.detail = detail
        }

        enum CodingKeys: String, CodingKey {
            case vnode
            case slots
            case detail
        }
    }

    public var slots: [VNode]
    /// Memory that Xen does not have and that no balloon accounts for; nil: not known.
    public var unaccounted: KiB?

    package init(slots: [VNode], unaccounted: KiB?) {
        self.slots = slots
        self.unaccounted = unaccounted
    }

    enum CodingKeys: String, CodingKey {
        case slots
        case unaccounted = "unaccounted_kib"
    }

    package var json: String {
        var json = JSONWriter()
        json.object { json in
            json.key(CodingKeys.slots)
            json.array(slots) { json, vnode in
                json.object { json in
                    json.member(VNode.CodingKeys.vnode, vnode.vnode)
                    json.member(VNode.CodingKeys.slots, vnode.slots)
                    json.member(VNode.CodingKeys.detail, vnode.detail)
                }
            }
            json.member(CodingKeys.unaccounted, unaccounted)
        }
        return json.text
    }
}

/// The answer to `audit`, `repair` and `recover`: what an audit of some slots found.
public struct AuditAnswer: Decodable, Equatable, Sendable {
    public var findings: [AuditFinding]
    /// The first slot after those that were audited.
    public var next: Int

    package init(findings: [AuditFinding], next: Int) {
        self.findings = findings
        self.next = next
    }

    enum CodingKeys: String, CodingKey {
        case findings
        case next
    }

    package var json: String {
        var json = JSONWriter()
        json.object { json in
            json.key(CodingKeys.findings)
            json.array(findings) { json, finding in
                json.object { json in finding.write(to: &json) }
            }
            json.member(CodingKeys.next, next)
        }
        return json.text
    }
}
