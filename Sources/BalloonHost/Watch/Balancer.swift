/// Levels physical nodes again and again. Pure: snapshots and the time in, targets out. It remembers which vnodes
/// turned round and which domains did not move. A new balancer has forgotten that, and learns it again.
public struct Balancer: Sendable {
    /// No vnode changes its direction within this time.
    static let turnInterval: Interval = .seconds(60)
    /// A domain without progress for this long is stuck. It is then left out for a time that grows with each failure.
    static let patience: Interval = .seconds(5)
    static let firstPenalty: Interval = .seconds(20)
    static let longestPenalty: Interval = .seconds(600)

    private struct Move: Sendable {
        var isGiving: Bool
        var at: Moment
    }

    private struct Progress: Sendable {
        var pages: Frames
        var targets: [KiB?]
        var since: Moment
        var penalty: Interval = .zero
        var excludedUntil: Moment = .zero
    }

    private struct Place: Hashable, Sendable {
        var domain: UInt16
        var vnode: Int
    }

    private var moves: [Place: Move] = [:]
    private var progress: [UInt16: Progress] = [:]

    public init() {}

    /// The targets to write now.
    public mutating func targets(_ snapshot: HostSnapshot, now: Moment) -> [UInt16: [Int: KiB]] {
        let alive = Set(snapshot.domains.map(\.id))
        moves = moves.filter { alive.contains($0.key.domain) }
        progress = progress.filter { alive.contains($0.key) }
        var targets: [UInt16: [Int: KiB]] = [:]
        for domain in snapshot.domains where domain.exclusion == nil {
            if let given = noteProgress(domain, now) { targets[domain.id] = given }
        }
        let level = Balance.targets(snapshot, pnodes: snapshot.nodes.map(\.number), without: excluded(now))
        for (id, wanted) in level {
            for (vnode, kib) in wanted where isAllowed(snapshot, id, vnode, kib, now) {
                targets[id, default: [:]][vnode] = kib
            }
        }
        return targets
    }

    private func excluded(_ now: Moment) -> Set<UInt16> {
        Set(progress.filter { $0.value.excludedUntil > now }.keys)
    }

    /// Leaves out a domain that was asked to move and does not. Its present size becomes its target.
    private mutating func noteProgress(_ domain: HostDomain, _ now: Moment) -> [Int: KiB]? {
        let open = domain.vnodes.filter { !$0.isReached && $0.exclusion == nil }
        let wanted = domain.vnodes.map(\.target)
        var known = progress[domain.id] ?? Progress(pages: domain.facts.pages, targets: wanted, since: now)
        defer { progress[domain.id] = known }
        let hasMoved = domain.facts.pages != known.pages
        // A target that was written since, by a command too, counts from now: the last look may be long ago.
        if open.isEmpty || hasMoved || wanted != known.targets {
            (known.pages, known.targets, known.since) = (domain.facts.pages, wanted, now)
            // If it has only been given up, without moving, its penalty stays.
            if hasMoved { known.penalty = .zero }
            return nil
        }
        guard now >= known.since + Self.patience, known.excludedUntil <= now else { return nil }
        known.penalty = known.penalty == .zero ? Self.firstPenalty : min(known.penalty * 4, Self.longestPenalty)
        known.excludedUntil = now + known.penalty
        known.since = now
        let stuck = open.compactMap { vnode in
            domain.mostGiven(vnode).map { (vnode.number, $0.roundedUp(to: vnode.grain)) }
        }
        return Dictionary(uniqueKeysWithValues: stuck.filter { vnode, kib in kib <= domain.vnodes[vnode].promised })
    }

    /// Whether a vnode may move this way: none changes its direction within a minute, unless it is short.
    private mutating func isAllowed(
        _ snapshot: HostSnapshot, _ id: UInt16, _ number: Int, _ kib: KiB, _ now: Moment
    ) -> Bool {
        guard let vnode = snapshot.domains.first(where: { $0.id == id })?.vnodes[number] else { return false }
        let isGiving = kib > vnode.promised
        let place = Place(domain: id, vnode: number)
        if let last = moves[place], last.isGiving != isGiving, now < last.at + Self.turnInterval, vnode.short == .zero {
            return false
        }
        moves[place] = Move(isGiving: isGiving, at: now)
        return true
    }
}
