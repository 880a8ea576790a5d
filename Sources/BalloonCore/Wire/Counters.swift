/// Counts what the daemon did since it started, for `metrics`. Pure.
public struct Counters: Equatable, Sendable, Decodable {
    public struct VNode: Equatable, Sendable, Decodable {
        public var vnode: Int
        public var inflated: KiB = .zero
        public var deflated: KiB = .zero
        public var steps: UInt64 = 0
        /// Steps that did less than they were asked to, or failed.
        public var shortSteps: UInt64 = 0

        enum CodingKeys: String, CodingKey {
            case vnode
            case inflated = "inflated_kib"
            case deflated = "deflated_kib"
            case steps
            case shortSteps = "short_steps"
        }
    }

    /// Failures of one kind: ``BalloonError/Code``.
    public struct Failure: Equatable, Sendable, Decodable {
        public var kind: String
        public var count: UInt64

        enum CodingKeys: String, CodingKey {
            case kind
            case count
        }
    }

    /// The upper bounds of the buckets of step durations, in microseconds. A longer step is counted only in the total.
    public static let bounds: [UInt64] = [1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000]

    /// All vnodes, in the order of their numbers.
    public private(set) var vnodes: [VNode] = []
    /// In the order of their names.
    public private(set) var failures: [Failure] = []
    /// For each of ``bounds`` how many steps took that long at most, and longer than the bound before it.
    public private(set) var durations = [UInt64](repeating: 0, count: bounds.count)
    public private(set) var durationSumMicroseconds: UInt64 = 0
    public private(set) var durationCount: UInt64 = 0

    enum CodingKeys: String, CodingKey {
        case vnodes
        case failures
        case durations
        case durationSumMicroseconds = "duration_sum_microseconds"
        case durationCount = "duration_count"
    }

    package init(vnodes: [Int]) { self.vnodes = vnodes.sorted().map { VNode(vnode: $0) } }

    /// Counts a step. `before` and `after` are the balloon's sizes; nil: not known.
    package mutating func step(
        vnode: Int, before: Frames?, after: Frames?, wasShort: Bool, took: Interval
    ) {
        let microseconds = took.wholeMicroseconds
        durationCount += 1
        durationSumMicroseconds += microseconds
        if let bucket = Self.bounds.firstIndex(where: { microseconds <= $0 }) { durations[bucket] += 1 }
        guard let index = vnodes.firstIndex(where: { $0.vnode == vnode }) else { return }
        vnodes[index].steps += 1
        if wasShort { vnodes[index].shortSteps += 1 }
        guard let before, let after else { return }
        if after > before { vnodes[index].inflated += (after - before).kib }
        if after < before { vnodes[index].deflated += (before - after).kib }
    }

    /// These counters with failures that were counted elsewhere, by kind.
    package func with(failures counts: [String: UInt64]) -> Counters {
        var counters = self
        counters.failures = counts.map { Failure(kind: $0, count: $1) }.sorted { $0.kind < $1.kind }
        return counters
    }

    package var json: String {
        var json = JSONWriter()
        json.object { json in
            json.key(CodingKeys.vnodes)
            json.array(vnodes) { json, vnode in
                json.object { json in
                    json.member(VNode.CodingKeys.vnode, vnode.vnode)
                    json.member(VNode.CodingKeys.inflated, vnode.inflated)
                    json.member(VNode.CodingKeys.deflated, vnode.deflated)
                    json.member(VNode.CodingKeys.steps, vnode.steps)
                    json.member(VNode.CodingKeys.shortSteps, vnode.shortSteps)
                }
            }
            json.key(CodingKeys.failures)
            json.array(failures) { json, failure in
                json.object { json in
                    json.member(Failure.CodingKeys.kind, failure.kind)
                    json.member(Failure.CodingKeys.count, failure.count)
                }
            }
            json.key(CodingKeys.durations)
            json.array(durations) { json, count in json.value(count) }
            json.member(CodingKeys.durationSumMicroseconds, durationSumMicroseconds)
            json.member(CodingKeys.durationCount, durationCount)
        }
        return json.text
    }
}
