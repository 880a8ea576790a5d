public import BalloonCore

/// A line of a record: docs/schema/record-1.json, or, of a host, host-record-1.json.
public struct RecordLine: Decodable, Equatable, Sendable {
    /// One balloon at one moment.
    public struct Balloon: Decodable, Equatable, Sendable {
        // Where dom0 records: the domain it is of, and the physical node, which may not be known.
        public var domain: Int?
        public var name: String?
        public var pnode: Int?
        public var vnode: Int
        public var size: KiB
        /// nil: xenstore holds no valid size.
        public var target: KiB?
        /// nil: it follows xenstore; dom0 does not know.
        public var forced: KiB?
        /// nil: not known.
        public var balloon: KiB?
        /// nil: not known, as dom0 may find it.
        public var state: String?
        public var reason: String?

        public init(
            vnode: Int, size: KiB, target: KiB?, forced: KiB? = nil, balloon: KiB?,
            state: String?, reason: String? = nil
        ) {
            self.vnode = vnode
            self.size = size
            self.target = target
            self.forced = forced
            self.balloon = balloon
            self.state = state
            self.reason = reason
        }

        /// The size that it shall have.
        public var goal: KiB? { forced ?? target }

        enum CodingKeys: String, CodingKey {
            case domain
            case name
            case pnode
            case vnode
            case size = "size_kib"
            case target = "target_kib"
            case forced = "forced_kib"
            case balloon = "balloon_kib"
            case state
            case reason
        }
    }

    /// One physical node at one moment.
    public struct Node: Decodable, Equatable, Sendable {
        public var pnode: Int
        public var span: KiB
        public var free: KiB
        public var reserved: KiB

        public init(pnode: Int, span: KiB, free: KiB, reserved: KiB) {
            self.pnode = pnode
            self.span = span
            self.free = free
            self.reserved = reserved
        }

        enum CodingKeys: String, CodingKey {
            case pnode
            case span = "span_kib"
            case free = "free_kib"
            case reserved = "reserved_kib"
        }
    }

    /// Who records: the daemon's guest, or dom0.
    public enum Kind: Sendable {
        case guest
        case host
    }

    /// What there was to see.
    public struct Sight: Equatable, Sendable {
        /// Empty in a guest, which does not know them.
        public var nodes: [Node]
        /// By domain and number.
        public var vnodes: [Balloon]

        public init(nodes: [Node] = [], vnodes: [Balloon]) {
            self.nodes = nodes
            self.vnodes = vnodes
        }
    }

    /// Raised when a member is removed or changes its meaning.
    public static let schema = 1

    public var schema = Self.schema
    public var kind: Kind
    /// In the form of ``UTCTime``.
    public var time: String
    /// nil: there was no answer, or no process recorded.
    public var sight: Sight?

    public init(_ kind: Kind = .guest, time: UTCTime, sight: Sight?) {
        self.kind = kind
        self.time = time.text
        self.sight = sight
    }

    enum CodingKeys: String, CodingKey {
        case schema
        case nodes = "pnodes"
        case time
        case vnodes
    }

    public init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        schema = try members.decode(Int.self, forKey: .schema)
        time = try members.decode(String.self, forKey: .time)
        kind = members.contains(.nodes) ? .host : .guest
        let nodes = try members.decodeIfPresent([Node].self, forKey: .nodes)
        sight = try members.decodeIfPresent([Balloon].self, forKey: .vnodes).map {
            Sight(nodes: nodes ?? [], vnodes: $0)
        }
    }

    /// The beginning of every line of this kind, in this schema.
    public static func beginning(_ kind: Kind) -> String {
        "{\"schema\":\(schema),\"\(kind == .host ? CodingKeys.nodes.rawValue : CodingKeys.time.rawValue)\":"
    }

    /// The line without its line break.
    public var json: String {
        var json = JSONWriter()
        json.object { json in
            json.member(CodingKeys.schema, schema)
            if kind == .host {
                Self.write(CodingKeys.nodes, sight?.nodes, to: &json) { json, node in
                    json.member(Node.CodingKeys.pnode, node.pnode)
                    json.member(Node.CodingKeys.span, node.span)
                    json.member(Node.CodingKeys.free, node.free)
                    json.member(Node.CodingKeys.reserved, node.reserved)
                }
            }
            json.member(CodingKeys.time, time)
            Self.write(CodingKeys.vnodes, sight?.vnodes, to: &json) { self.write($1, to: &$0) }
        }
        return json.text
    }

    private static func write<Element>(
        _ key: CodingKeys, _ list: [Element]?, to json: inout JSONWriter,
        _ members: (inout JSONWriter, Element) -> Void
    ) {
        guard let list else { return json.member(key, nil as String?) }
        json.key(key)
        json.array(list) { json, element in json.object { members(&$0, element) } }
    }

    private func write(_ balloon: Balloon, to json: inout JSONWriter) {
        if kind == .host {
            json.member(Balloon.CodingKeys.domain, balloon.domain)
            json.member(Balloon.CodingKeys.name, balloon.name)
            json.member(Balloon.CodingKeys.pnode, balloon.pnode)
        }
        json.member(Balloon.CodingKeys.vnode, balloon.vnode)
        json.member(Balloon.CodingKeys.size, balloon.size)
        json.member(Balloon.CodingKeys.target, balloon.target)
        if kind == .guest { json.member(Balloon.CodingKeys.forced, balloon.forced) }
        json.member(Balloon.CodingKeys.balloon, balloon.balloon)
        json.member(Balloon.CodingKeys.state, balloon.state)
        json.member(Balloon.CodingKeys.reason, balloon.reason)
    }
}
