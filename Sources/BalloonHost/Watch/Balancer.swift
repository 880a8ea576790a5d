/// Levels physical nodes again and again. Pure: snapshots and the time in, targets out. It remembers who turned round and who did not
/// move; a balancer that begins anew has forgotten that, and finds it out again.
public struct Balancer: Sendable {
    /// Nanoseconds in which no vnode turns round.
    static let turnInterval: UInt64 = 60_000_000_000
    /// Without progress for so long a domain is stuck, and left out for a while that gets longer each time.
    static let patience: UInt64 = 5_000_000_000
    static let firstPenalty: UInt64 = 20_000_000_000
    static let longestPenalty: UInt64 = 600_000_000_000

    private struct Move: Sendable {
        var isGiving: Bool
        var at: UInt64
    }

    private struct Progress: Sendable {
        var pages: UInt64
        var since: UInt64
        var penalty: UInt64 = 0
        var excludedUntil: UInt64 = 0
    }

    private struct Place: Hashable, Sendable {
        var domain: UInt16
        var vnode: Int
    }

    private var moves: [Place: Move] = [:]
    private var progress: [UInt16: Progress] = [:]

    public init() {}

    /// What is to be written now.
    public mutating func targets(_ snapshot: HostSnapshot, now: UInt64) -> [UInt16: [Int: UInt64]] {
        let alive = Set(snapshot.domains.map(\.id))
        moves = moves.filter { alive.contains($0.key.domain) }
        progress = progress.filter { alive.contains($0.key) }
        var targets: [UInt16: [Int: UInt64]] = [:]
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

    private func excluded(_ now: UInt64) -> Set<UInt16> {
        Set(progress.filter { $0.value.excludedUntil > now }.keys)
    }

    /// A domain that has been asked to move and does not is left out, and what it has becomes its target.
    private mutating func noteProgress(_ domain: HostDomain, _ now: UInt64) -> [Int: UInt64]? {
        let open = domain.vnodes.filter { !$0.isReached && $0.exclusion == nil }
        var known = progress[domain.id] ?? Progress(pages: domain.facts.pages, since: now)
        defer { progress[domain.id] = known }
        let hasMoved = domain.facts.pages != known.pages
        if open.isEmpty || hasMoved {
            (known.pages, known.since) = (domain.facts.pages, now)
            // That it was given up is no merit of its own.
            if hasMoved { known.penalty = 0 }
            return nil
        }
        guard now >= known.since + Self.patience, known.excludedUntil <= now else { return nil }
        known.penalty = known.penalty == 0 ? Self.firstPenalty : min(known.penalty * 4, Self.longestPenalty)
        known.excludedUntil = now + known.penalty
        known.since = now
        let stuck = open.compactMap { vnode in
            vnode.balloonKiB.map { (vnode.number, roundedUp($0, to: vnode.grainKiB)) }
        }
        return Dictionary(uniqueKeysWithValues: stuck.filter { vnode, kib in kib <= domain.vnodes[vnode].promisedKiB })
    }

    /// No vnode turns round within a minute, unless it is short.
    private mutating func isAllowed(
        _ snapshot: HostSnapshot, _ id: UInt16, _ number: Int, _ kib: UInt64, _ now: UInt64
    ) -> Bool {
        guard let vnode = snapshot.domains.first(where: { $0.id == id })?.vnodes[number] else { return false }
        let isGiving = kib > vnode.promisedKiB
        let place = Place(domain: id, vnode: number)
        if let last = moves[place], last.isGiving != isGiving, now < last.at + Self.turnInterval, vnode.shortKiB == 0 {
            return false
        }
        moves[place] = Move(isGiving: isGiving, at: now)
        return true
    }
}
