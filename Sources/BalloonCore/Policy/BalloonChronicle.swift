/// Makes the lines about the balloons for the journal: one for each new target, finished move, and hold that began or
/// ended.
///
/// It compares the state with the last one, so a change that is undone in between makes no line. Lines are limited for
/// each kind and vnode: a toolstack that writes a thousand targets a second must not fill the journal.
public struct BalloonChronicle: Sendable {
    /// The most lines of one kind for one vnode in ``window``.
    public static let burst = 10
    public static let window: Interval = .seconds(60)

    /// A line, and what programs look for in it.
    public struct Line: Equatable, Sendable {
        public var text: String
        /// nil: it tells how many others were left out.
        public var event: JournalEvent?
        public var vnode: Int
        /// Why it is held.
        public var reason: HeldReason?
        /// nil: not known.
        public var balloon: KiB?
        /// nil: it has none.
        public var goal: KiB?

        /// The fields for the journal, which the text tells already.
        public var fields: [(name: String, value: String)] {
            var fields = [(name: "VNODE", value: "\(vnode)")]
            if let event { fields.append((JournalEvent.field, event.rawValue)) }
            if let reason { fields.append(("REASON", reason.rawValue)) }
            if let balloon { fields.append(("BALLOON_KIB", "\(balloon)")) }
            if let goal { fields.append(("TARGET_KIB", "\(goal)")) }
            return fields
        }
    }

    private enum Kind: Hashable { case target, force, move, hold }
    private struct Topic: Hashable {
        var kind: Kind
        var vnode: Int
    }
    private struct Count {
        var begun: Moment
        var lines = 0
        var left = 0
    }
    private struct Move {
        var from: KiB
        var begun: Moment
    }

    private var last: [Int: VNodeState] = [:]
    private var refused: [Int: String] = [:]
    private var moves: [Int: Move] = [:]
    private var counts: [Topic: Count] = [:]

    public init() {}

    /// - Parameters:
    ///   - states: the states of all vnodes.
    ///   - refused: targets in xenstore that are not sizes, as printable text.
    /// - Returns: lines to log, in order.
    public mutating func lines(_ states: [VNodeState], refused: [Int: String] = [:], now: Moment) -> [Line] {
        var lines: [Line] = []
        for state in states {
            let vnode = state.vnode.number
            // At the start only a difference from a vnode without a request makes a line.
            let before = last[vnode] ?? VNodeState(vnode: state.vnode, balloonFrames: state.balloonFrames)
            last[vnode] = state
            say(.target, .target, state, target(before, state, refused[vnode]), now, &lines)
            say(.force, .forced, state, force(before, state), now, &lines)
            say(.move, .moved, state, move(before, state, now: now), now, &lines)
            say(.hold, Self.holdReason(state) == nil ? .free : .held, state, hold(before, state), now, &lines)
        }
        self.refused = refused
        return lines
    }

    private func target(_ before: VNodeState, _ state: VNodeState, _ text: String?) -> String? {
        let vnode = state.vnode.number
        if let text, text != refused[vnode] {
            return "target refused: \(text) is not a size of 0 to \(state.vnode.size) KiB"
        }
        guard state.target != before.target || text == nil && refused[vnode] != nil else { return nil }
        if let size = state.target { return "target \(Size.text(size))" }
        return text == nil && (before.target != nil || refused[vnode] != nil) ? "no target any more" : nil
    }

    private func force(_ before: VNodeState, _ state: VNodeState) -> String? {
        guard state.forced != before.forced else { return nil }
        return state.forced.map { "forced to \(Size.text($0))" } ?? "released: follows xenstore again"
    }

    private mutating func move(_ before: VNodeState, _ state: VNodeState, now: Moment) -> String? {
        let vnode = state.vnode.number
        guard let size = state.balloon else {
            moves[vnode] = nil
            return nil
        }
        let isMoving = state.activity == .inflating || state.activity == .deflating
        if moves[vnode] == nil, let from = before.balloon, isMoving || from != size {
            moves[vnode] = Move(from: from, begun: now)
        }
        guard !isMoving, let move = moves.removeValue(forKey: vnode), move.from != size else { return nil }
        let tenths: UInt64 = move.begun.until(now) / .milliseconds(100)
        let verb = size > move.from ? "inflated" : "deflated"
        return
            "\(verb) from \(Size.text(move.from)) to \(Size.text(size)) in \(tenths / 10).\(tenths % 10) s"
    }

    /// Every daemon starts with an audit, so it makes no line, and neither does its end.
    private static func holdReason(_ state: VNodeState) -> HeldReason? {
        state.activity == .held && !state.isBeingAudited ? state.reason : nil
    }

    private func hold(_ before: VNodeState, _ state: VNodeState) -> String? {
        guard Self.holdReason(state) != Self.holdReason(before) else { return nil }
        guard let reason = Self.holdReason(state) else { return state.isBeingAudited ? nil : "no longer held" }
        let size = state.balloon.map { "held at \(Size.text($0))" } ?? "held, its size is not known"
        return "\(size): \(state.detail ?? reason.sentence)"
    }

    /// Adds the line, or counts it as left out.
    private mutating func say(
        _ kind: Kind, _ event: JournalEvent, _ state: VNodeState, _ text: String?, _ now: Moment, _ lines: inout [Line]
    ) {
        guard let text else { return }
        let vnode = state.vnode.number
        let topic = Topic(kind: kind, vnode: vnode)
        var count = counts[topic] ?? Count(begun: now)
        if now >= count.begun + Self.window {
            if count.left > 0 {
                let text = "vnode \(vnode): \(count.left) lines of this kind were left out"
                lines.append(Line(text: text, vnode: vnode))
            }
            count = Count(begun: now)
        }
        if count.lines < Self.burst {
            count.lines += 1
            lines.append(
                Line(
                    text: "vnode \(vnode): \(text)", event: event, vnode: vnode, reason: Self.holdReason(state),
                    balloon: state.balloon, goal: state.forced ?? state.target))
        } else {
            count.left += 1
        }
        counts[topic] = count
    }
}
