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

    private var published: [Int: VNodeRows] = [:]
    private var lastWrite: UInt64?

    /// The vnodes whose rows are due now.
    func due(_ rows: [Int: VNodeRows], now: UInt64) -> [Int: VNodeRows] {
        let changed = rows.filter { published[$0.key] != $0.value }
        guard let lastWrite, now < lastWrite + Self.interval else { return changed }
        // A vnode that still moves can wait; one that begins or ends cannot.
        let urgent = changed.contains { !$0.value.isMoving }
        return urgent ? changed : [:]
    }

    /// When changed rows that had to wait are due; nil without such.
    func nextDue(_ rows: [Int: VNodeRows], now: UInt64) -> UInt64? {
        guard rows.contains(where: { published[$0.key] != $0.value }), let lastWrite else { return nil }
        return max(now, lastWrite + Self.interval)
    }

    mutating func wrote(_ rows: [Int: VNodeRows], now: UInt64) {
        published.merge(rows) { $1 }
        lastWrite = now
    }

    /// What was written of a vnode last.
    func written(_ vnode: Int) -> VNodeRows? { published[vnode] }

    /// A vnode's rows are to be written again.
    mutating func forget(_ vnode: Int) { published[vnode] = nil }

    /// Everything is to be written again: after a resume, or in another place.
    mutating func forget() { self = PublishSchedule() }
}
