/// Decides what the daemon does for domains that come, live and go. Pure: a snapshot and the time in, deeds out. It
/// only remembers times; a new keeper makes the same decisions a little later.
public struct HostKeeper: Sendable {
    public enum Deed: Equatable, Sendable {
        case prepare(UInt16)
        case adopt(UInt16)
        /// Remove memory/target.
        case take(UInt16)
        /// Put memory/target back.
        case yield(UInt16)
        /// memory/target stays. Note its text, to see when another program writes it.
        case note(UInt16)
        /// Another program wrote memory/target: write the old value back.
        case revert(UInt16, foreign: KiB)
        /// Another program wrote memory/target: only log it.
        case tell(UInt16, foreign: KiB)
        /// Balancing: write these targets of the domain.
        case level(UInt16, [Int: KiB])
        /// Set Xen's maximum to what the targets leave.
        case enforce(UInt16)
        case forgetGone

        /// The domain that it is about.
        var domain: UInt16? {
            switch self {
            case .prepare(let id), .adopt(let id), .take(let id), .yield(let id), .note(let id), .enforce(let id),
                .revert(let id, _), .tell(let id, _), .level(let id, _):
                id
            case .forgetGone: nil
            }
        }
    }

    public struct Policy: Equatable, Sendable {
        public var legacy = LegacyMode.auto
        public var isReverting = true
        public var isBalancing = false
        public var isEnforcing = false

        public init() {}
    }

    /// Rows that a guest removes again and again are made anew at most this often.
    public static let repairInterval: Interval = .seconds(10)
    /// How often to read while something moves, comes or goes, and how often otherwise.
    public static let busyInterval: Interval = .seconds(1)
    public static let idleInterval: Interval = .seconds(10)

    public var policy: Policy
    private var repaired: [UInt16: Moment] = [:]
    private var told: [UInt16: KiB] = [:]
    private var known: Set<UInt16> = []
    private var balancer = Balancer()

    public init(_ policy: Policy) { self.policy = policy }

    public mutating func deeds(_ snapshot: HostSnapshot, now: Moment) -> [Deed] {
        var deeds: [Deed] = []
        let alive = Set(snapshot.domains.map(\.id))
        if known != alive { deeds.append(.forgetGone) }
        known = alive
        repaired = repaired.filter { alive.contains($0.key) }
        told = told.filter { alive.contains($0.key) }
        for domain in snapshot.domains where !domain.isToolstack && domain.isIntroduced && !domain.facts.isDying {
            if isRepairDue(domain, now) { deeds.append(.prepare(domain.id)) }
            deeds += self.deeds(domain)
            if policy.isEnforcing && HostEngine.isMisbound(domain) { deeds.append(.enforce(domain.id)) }
        }
        if policy.isBalancing {
            deeds += balancer.targets(snapshot, now: now).sorted { $0.key < $1.key }.map { .level($0.key, $0.value) }
        }
        return deeds
    }

    /// What was decided for the last snapshot was not carried out: it is decided again for the next one.
    public mutating func turnFailed() {
        known = []
        repaired = [:]
        told = [:]
    }

    private mutating func isRepairDue(_ domain: HostDomain, _ now: Moment) -> Bool {
        guard HostEngine.missing(domain) > 0 else { return false }
        if let last = repaired[domain.id], now < last + Self.repairInterval { return false }
        repaired[domain.id] = now
        return true
    }

    private mutating func deeds(_ domain: HostDomain) -> [Deed] {
        let isAway = policy.legacy.isAway(domain)
        guard domain.isManaged else {
            // The feature is "0" or empty: Linux's own balloon is in charge again.
            let isBack = domain.feature == .off || domain.feature == .silent
            return isBack && domain.keptTarget != nil && domain.legacyTarget == nil ? [.yield(domain.id)] : []
        }
        if HostEngine.isAdoptable(domain) { return [.adopt(domain.id)] }
        if domain.isYielded { return [] }
        guard let legacy = domain.legacyTarget else {
            return isAway || domain.keptTarget == nil ? [] : [.yield(domain.id)]
        }
        if isAway { return [.take(domain.id)] }
        guard let kept = domain.keptTarget else { return [.note(domain.id)] }
        guard kept != "\(legacy)" else {
            told[domain.id] = nil
            return []
        }
        if policy.isReverting { return [.revert(domain.id, foreign: legacy)] }
        if told[domain.id] == legacy { return [] }
        told[domain.id] = legacy
        return [.tell(domain.id, foreign: legacy)]
    }

    /// When to read again although no watch fired.
    public func nextLook(_ snapshot: HostSnapshot, now: Moment) -> Moment {
        let isBusy = snapshot.domains.contains { domain in
            guard !domain.isToolstack else { return false }
            return domain.facts.isDying || domain.facts.isShutdown || !domain.isIntroduced
                || HostEngine.missing(domain) > 0 || HostEngine.isAdoptable(domain)
                || domain.vnodes.contains { $0.state == .inflating || $0.state == .deflating }
        }
        return now + (isBusy ? Self.busyInterval : Self.idleInterval)
    }
}
