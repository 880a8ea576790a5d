public import BalloonCore

/// A line that `balloonctl record` writes: docs/schema/record-1.json.
public struct RecordLine: Decodable, Equatable, Sendable {
    /// One balloon at one moment.
    public struct Balloon: Decodable, Equatable, Sendable {
        public var vnode: Int
        public var size: KiB
        /// nil: xenstore holds no valid size.
        public var target: KiB?
        /// nil: it follows xenstore.
        public var forced: KiB?
        /// nil: not known.
        public var balloon: KiB?
        public var state: String
        public var reason: String?

        public init(
            vnode: Int, size: KiB, target: KiB?, forced: KiB? = nil, balloon: KiB?,
            state: String, reason: String? = nil
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
            case vnode
            case size = "size_kib"
            case target = "target_kib"
            case forced = "forced_kib"
            case balloon = "balloon_kib"
            case state
            case reason
        }
    }

    /// Raised when a member is removed or changes its meaning.
    public static let schema = 1

    public var schema = Self.schema
    /// In the form of ``UTCTime``.
    public var time: String
    /// By number; nil: there was no answer, or no process recorded.
    public var vnodes: [Balloon]?

    public init(time: UTCTime, vnodes: [Balloon]?) {
        self.time = time.text
        self.vnodes = vnodes
    }

    enum CodingKeys: String, CodingKey {
        case schema
        case time
        case vnodes
    }

    /// The beginning of every line, in every schema.
    public static let beginning = "{\"schema\":"

    /// The line without its line break.
    public var json: String {
        var json = JSONWriter()
        json.object { json in
            json.member(CodingKeys.schema, schema)
            json.member(CodingKeys.time, time)
            guard let vnodes else { return json.member(CodingKeys.vnodes, nil as String?) }
            json.key(CodingKeys.vnodes)
            json.array(vnodes) { json, balloon in json.object { Self.write(balloon, to: &$0) } }
        }
        return json.text
    }

    private static func write(_ balloon: Balloon, to json: inout JSONWriter) {
        json.member(Balloon.CodingKeys.vnode, balloon.vnode)
        json.member(Balloon.CodingKeys.size, balloon.size)
        json.member(Balloon.CodingKeys.target, balloon.target)
        json.member(Balloon.CodingKeys.forced, balloon.forced)
        json.member(Balloon.CodingKeys.balloon, balloon.balloon)
        json.member(Balloon.CodingKeys.state, balloon.state)
        json.member(Balloon.CodingKeys.reason, balloon.reason)
    }
}

/// Decides what is written: a line for each change, and the last state at the end.
public struct Recorder {
    private var written: RecordLine?
    private var seen: RecordLine?

    public init() {}

    /// - Returns: the line to write; nil: nothing changed.
    public mutating func see(_ vnodes: [RecordLine.Balloon]?, at time: UTCTime) -> RecordLine? {
        let line = RecordLine(time: time, vnodes: vnodes)
        seen = line
        if let written, written.vnodes == vnodes { return nil }
        written = line
        return line
    }

    /// Called when an existing record is continued: no process recorded after its last line.
    /// - Returns: the line that says so; nil: the last line already does, or is no valid line.
    public static func gap(behind last: String) -> RecordLine? {
        guard let last = try? Record(last.utf8).entries.last, last.vnodes != nil else { return nil }
        return RecordLine(time: last.time, vnodes: nil)
    }

    /// The line at the end, which shows how long nothing changed; nil where the last line shows that.
    public func end(at time: UTCTime) -> RecordLine? {
        guard let seen else { return nil }
        let line = RecordLine(time: time, vnodes: seen.vnodes)
        return line == written ? nil : line
    }
}
