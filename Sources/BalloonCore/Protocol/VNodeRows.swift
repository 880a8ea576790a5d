/// What the guest reports of one vnode: its rows in xenstore.
package struct VNodeRows: Equatable, Sendable {
    /// The target text that was last accepted or refused; "" before the first.
    var acknowledged = ""
    /// nil: not known. The row keeps what was known last.
    package var balloon: KiB?
    package var activity: VNodeActivity = .idle
    package var reason: HeldReason?
    var granularity: KiB = .zero

    package init(
        acknowledged: String = "", balloon: KiB? = nil, activity: VNodeActivity = .idle,
        reason: HeldReason? = nil, granularity: KiB = .zero
    ) {
        self.acknowledged = acknowledged
        self.balloon = balloon
        self.activity = activity
        self.reason = reason
        self.granularity = granularity
    }

    var isMoving: Bool { activity == .inflating || activity == .deflating }

    package static let names = [
        "balloon-target", "balloon-size", "balloon-state", "balloon-reason", "balloon-granularity",
    ]

    /// Names and values below the vnode's directory. What is not known has none.
    package var values: [(name: String, value: String)] {
        let all: [String?] = [
            acknowledged, balloon.map { "\($0)" }, activity.rawValue, reason?.rawValue ?? "", "\(granularity)",
        ]
        return zip(Self.names, all).compactMap { name, value in value.map { (name, $0) } }
    }

    /// What is to be written where `before` was written last: what changed.
    package func values(after before: VNodeRows?) -> [(name: String, value: String)] {
        guard let before else { return values }
        let written = Dictionary(uniqueKeysWithValues: before.values.map { ($0.name, $0.value) })
        return values.filter { written[$0.name] != $0.value }
    }
}

/// Where the guest reports.
package enum ReportPlace: Equatable, Sendable {
    /// A toolstack prepared the domain: its own rows below memory/ and control/.
    case prepared
    /// It did not: the guest's own directory.
    case fallback

    package var feature: String {
        switch self {
        case .prepared: return ReportPlace.featureOfToolstack
        case .fallback: return "data/balloon-vnode/feature"
        }
    }

    package static let featureOfToolstack = "control/feature-balloon-vnode"

    package func directory(vnode: Int) -> String {
        switch self {
        case .prepared: return "memory/vnode\(vnode)"
        case .fallback: return "data/balloon-vnode/vnode\(vnode)"
        }
    }
}

/// When rows are written: at most once a second while something moves, at once when it stopped, never unchanged.
package struct PublishSchedule: Equatable, Sendable {
    static let interval: Interval = .seconds(1)
    /// A move that ends sooner is published only when it has ended: writing takes as long as moving 16 MiB.
    static let patience: Interval = .milliseconds(100)

    private var published: [Int: VNodeRows] = [:]
    private var lastWrite: Moment?
    /// Since when something moves that is not written yet.
    private var movingSince: Moment?

    package init() {}

    /// The vnodes whose rows are due now.
    package mutating func due(_ rows: [Int: VNodeRows], now: Moment) -> [Int: VNodeRows] {
        let changed = rows.filter { !isPublished($0.value, $0.key) }
        // A vnode that moves can wait; one that ends cannot, nor one that nothing was ever written of.
        if changed.contains(where: { !$0.value.isMoving || published[$0.key] == nil }) { return changed }
        guard !changed.isEmpty else {
            movingSince = nil
            return [:]
        }
        movingSince = movingSince ?? now
        return now >= movingDue(now) ? changed : [:]
    }

    private func isPublished(_ row: VNodeRows, _ vnode: Int) -> Bool {
        guard let published = published[vnode] else { return false }
        var row = row
        row.balloon = row.balloon ?? published.balloon
        return row == published
    }

    private func movingDue(_ now: Moment) -> Moment {
        max((movingSince ?? now) + Self.patience, lastWrite.map { $0 + Self.interval } ?? .zero)
    }

    /// When changed rows that had to wait are due; nil without such.
    package func nextDue(_ rows: [Int: VNodeRows], now: Moment) -> Moment? {
        guard rows.contains(where: { !isPublished($0.value, $0.key) }), lastWrite != nil else { return nil }
        return max(now, movingDue(now))
    }

    package mutating func wrote(_ rows: [Int: VNodeRows], now: Moment) {
        for (vnode, row) in rows {
            var row = row
            // If the size is not known the row stays as it was.
            row.balloon = row.balloon ?? published[vnode]?.balloon
            published[vnode] = row
        }
        lastWrite = now
        movingSince = nil
    }

    /// What was written of a vnode last.
    package func written(_ vnode: Int) -> VNodeRows? { published[vnode] }

    /// A vnode's rows are to be written again.
    package mutating func forget(_ vnode: Int) { published[vnode] = nil }

    /// Everything is to be written again: after a resume, or in another place.
    package mutating func forget() { self = PublishSchedule() }
}
