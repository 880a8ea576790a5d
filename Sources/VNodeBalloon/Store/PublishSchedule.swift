/// What the guest says of one vnode in xenstore, as texts.
public struct VNodeReport: Equatable, Sendable {
    /// The acknowledged target text, "" before the first.
    public var target: String
    /// The whole hole of the vnode, in KiB.
    public var size: String
    public var state: String
    public var reason: String
    /// KiB.
    public var granularity: String
    /// Whether the balloon is on its way.
    public var isMoving: Bool

    public init(_ state: VNodeState, acknowledged: String, granularityKiB: UInt64) {
        target = acknowledged
        size = String(state.balloonKiB)
        self.state = state.activity.rawValue
        reason = state.reason?.rawValue ?? ""
        granularity = String(granularityKiB)
        isMoving = state.activity == .inflating || state.activity == .deflating
    }

    /// Names of the rows and their values.
    public var rows: [(name: String, value: String)] {
        [
            ("balloon-target", target), ("balloon-size", size), ("balloon-state", state), ("balloon-reason", reason),
            ("balloon-granularity", granularity),
        ]
    }

    public static let rowNames = [
        "balloon-target", "balloon-size", "balloon-state", "balloon-reason", "balloon-granularity",
    ]
}

/// When a report is due: at most one a second while a vnode moves, none when nothing changed, the last one at once.
public struct PublishSchedule: Sendable {
    /// Nanoseconds between two reports of a moving vnode.
    public static let interval: UInt64 = 1_000_000_000

    private struct Published: Sendable {
        var report: VNodeReport
        var time: UInt64
    }
    private var published: [Int: Published] = [:]

    public init() {}

    /// Whether a vnode's report should be written now.
    public func isDue(_ report: VNodeReport, vnode: Int, now: UInt64) -> Bool {
        guard let last = published[vnode] else { return true }
        guard last.report != report else { return false }
        return !report.isMoving || now >= last.time + Self.interval
    }

    /// When a report that is not due yet will be; nil when there is nothing to say.
    public func due(_ report: VNodeReport, vnode: Int) -> UInt64? {
        guard let last = published[vnode] else { return 0 }
        return last.report == report ? nil : last.time + (report.isMoving ? Self.interval : 0)
    }

    public mutating func note(_ report: VNodeReport, vnode: Int, now: UInt64) {
        published[vnode] = Published(report: report, time: now)
    }

    /// The state that was last written.
    public func state(vnode: Int) -> String? { published[vnode]?.report.state }

    /// What was written is gone, or may be: it is written again.
    public mutating func forget(vnode: Int) { published[vnode] = nil }
    public mutating func forgetAll() { published = [:] }
}
