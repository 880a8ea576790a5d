/// What the guest reports of one vnode: its rows in xenstore.
struct VNodeRows: Equatable, Sendable {
    /// The target text that was last accepted or refused; "" before the first.
    var acknowledged = ""
    var balloonKiB: UInt64 = 0
    var activity: VNodeActivity = .idle
    var reason: HeldReason?
    var granularityKiB: UInt64 = 0

    var isMoving: Bool { activity == .inflating || activity == .deflating }

    /// Names and values below the vnode's directory.
    var values: [(name: String, value: String)] {
        [
            ("balloon-target", acknowledged),
            ("balloon-size", "\(balloonKiB)"),
            ("balloon-state", activity.rawValue),
            ("balloon-reason", reason?.rawValue ?? ""),
            ("balloon-granularity", "\(granularityKiB)"),
        ]
    }

    /// What is to be written where `before` was written last: what changed.
    func values(after before: VNodeRows?) -> [(name: String, value: String)] {
        guard let before else { return values }
        return zip(values, before.values).filter { $0.value != $1.value }.map { $0.0 }
    }
}

/// Where the guest reports.
enum ReportPlace: Equatable, Sendable {
    /// A toolstack prepared the domain: its own rows below memory/ and control/.
    case prepared
    /// It did not: the guest's own directory.
    case fallback

    var feature: String {
        switch self {
        case .prepared: return ReportPlace.featureOfToolstack
        case .fallback: return "data/balloon-vnode/feature"
        }
    }

    static let featureOfToolstack = "control/feature-balloon-vnode"

    func directory(vnode: Int) -> String {
        switch self {
        case .prepared: return "memory/vnode\(vnode)"
        case .fallback: return "data/balloon-vnode/vnode\(vnode)"
        }
    }
}

/// When rows are written: at most once a second while something moves, at once when it stopped, never unchanged.
struct PublishSchedule: Equatable, Sendable {
    static let interval: UInt64 = 1_000_000_000
    /// A move that ends sooner is only told of when it has ended: writing takes as long as moving 16 MiB.
    static let patience: UInt64 = 100_000_000

    private var published: [Int: VNodeRows] = [:]
    private var lastWrite: UInt64?
    /// Since when something moves that is not written yet.
    private var movingSince: UInt64?

    /// The vnodes whose rows are due now.
    mutating func due(_ rows: [Int: VNodeRows], now: UInt64) -> [Int: VNodeRows] {
        let changed = rows.filter { published[$0.key] != $0.value }
        // A vnode that moves can wait; one that ends cannot, nor one that nothing was ever written of.
        if changed.contains(where: { !$0.value.isMoving || published[$0.key] == nil }) { return changed }
        guard !changed.isEmpty else {
            movingSince = nil
            return [:]
        }
        movingSince = movingSince ?? now
        return now >= movingDue(now) ? changed : [:]
    }

    private func movingDue(_ now: UInt64) -> UInt64 {
        max((movingSince ?? now) + Self.patience, lastWrite.map { $0 + Self.interval } ?? 0)
    }

    /// When changed rows that had to wait are due; nil without such.
    func nextDue(_ rows: [Int: VNodeRows], now: UInt64) -> UInt64? {
        guard rows.contains(where: { published[$0.key] != $0.value }), lastWrite != nil else { return nil }
        return max(now, movingDue(now))
    }

    mutating func wrote(_ rows: [Int: VNodeRows], now: UInt64) {
        published.merge(rows) { $1 }
        lastWrite = now
        movingSince = nil
    }

    /// What was written of a vnode last.
    func written(_ vnode: Int) -> VNodeRows? { published[vnode] }

    /// A vnode's rows are to be written again.
    mutating func forget(_ vnode: Int) { published[vnode] = nil }

    /// Everything is to be written again: after a resume, or in another place.
    mutating func forget() { self = PublishSchedule() }
}
