/// The line about the balloons for `systemctl status`. It is sent at most once a second, when it changed.
struct ServiceStatus {
    static let interval: Interval = .seconds(1)

    private var told = ""
    private var toldAt: Moment?

    /// When a line that had to wait is due: nothing else may wake the loop then.
    private(set) var due: Moment?

    /// The line, where one is due.
    mutating func text(_ states: [VNodeState], _ store: StoreCondition, now: Moment) -> String? {
        due = nil
        let text = Self.line(states, store)
        guard text != told else { return nil }
        if let toldAt, now < toldAt + Self.interval {
            due = toldAt + Self.interval
            return nil
        }
        (told, toldAt) = (text, now)
        return text
    }

    private static func line(_ states: [VNodeState], _ store: StoreCondition) -> String {
        let cut = store == .open ? [] : ["xenstore does not answer"]
        let parts =
            cut
            + states.compactMap { state -> String? in
                let vnode = "vnode \(state.vnode.number)"
                if let detail = state.detail { return "\(vnode): \(detail)" }
                guard state.isBeingAudited else { return moving(state).map { "\(vnode): \($0)" } }
                return state.audited.map { "\(vnode): \($0.done) of \($0.all) extents audited" }
                    ?? "\(vnode) is being audited"
            }
        return parts.isEmpty ? "following xenstore" : parts.joined(separator: "; ")
    }
    /// Size and target in whole MiB.
    private static func moving(_ state: VNodeState) -> String? {
        guard state.activity != .idle, state.activity != .stopped, let now = state.balloon else { return nil }
        let size =
            (state.forced ?? state.target).map { "\(now.wholeMiB) of \($0.wholeMiB) MiB" }
            ?? "\(now.wholeMiB) MiB"
        return "\(state.activity.rawValue), \(size)" + (state.reason.map { " (\($0.rawValue))" } ?? "")
    }
}
