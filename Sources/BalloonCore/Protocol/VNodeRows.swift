/// The rows in xenstore in which the guest reports one vnode.
package struct VNodeRows: Equatable, Sendable {
    /// The target text that was last accepted or refused; "" before the first.
    var acknowledged = ""
    /// nil: not known. The row then keeps the last known size.
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

    /// Names and values of the rows below the vnode's directory. An unknown size is left out.
    package var values: [(name: String, value: String)] {
        let all: [String?] = [
            acknowledged, balloon.map { "\($0)" }, activity.rawValue, reason?.rawValue ?? "", "\(granularity)",
        ]
        return zip(Self.names, all).compactMap { name, value in value.map { (name, $0) } }
    }

    /// The rows that changed since `before` was written.
    package func values(after before: VNodeRows?) -> [(name: String, value: String)] {
        guard let before else { return values }
        let written = Dictionary(uniqueKeysWithValues: before.values.map { ($0.name, $0.value) })
        return values.filter { written[$0.name] != $0.value }
    }
}

/// The place where the guest reports.
package enum ReportPlace: Equatable, Sendable {
    /// A toolstack prepared the domain: the guest reports in the rows that it made below memory/ and control/.
    case prepared
    /// No toolstack did: the guest reports in its own directory.
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

/// Decides when rows are written: at most once a second during a move, at once at its end, and never unchanged.
package struct PublishSchedule: Equatable, Sendable {
    static let interval: Interval = .seconds(1)
    /// A move that ends within this time is published only at its end: to write takes as long as to move 16 MiB.
    static let patience: Interval = .milliseconds(100)

    private var published: [Int: VNodeRows] = [:]
    private var lastWrite: Moment?
    /// Since when a move has not been published.
    private var movingSince: Moment?

    package init() {}

    /// The vnodes whose rows are due now.
    package mutating func due(_ rows: [Int: VNodeRows], now: Moment) -> [Int: VNodeRows] {
        let changed = rows.filter { !isPublished($0.value, $0.key) }
        // A moving vnode can wait. One whose move ended cannot, nor can one that was never published.
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

    /// When changed rows that had to wait are due; nil: there are none.
    package func nextDue(_ rows: [Int: VNodeRows], now: Moment) -> Moment? {
        guard rows.contains(where: { !isPublished($0.value, $0.key) }), lastWrite != nil else { return nil }
        return max(now, movingDue(now))
    }

    package mutating func wrote(_ rows: [Int: VNodeRows], now: Moment) {
        for (vnode, row) in rows {
            var row = row
            // An unknown size leaves its row as it was.
            row.balloon = row.balloon ?? published[vnode]?.balloon
            published[vnode] = row
        }
        lastWrite = now
        movingSince = nil
    }

    /// The rows last written for a vnode.
    package func written(_ vnode: Int) -> VNodeRows? { published[vnode] }

    /// Has a vnode's rows written again.
    package mutating func forget(_ vnode: Int) { published[vnode] = nil }

    /// Has everything written again: after a resume, or in another place.
    package mutating func forget() { self = PublishSchedule() }
}
