/// Watches domains that move to targets, and decides for each when there is nothing left to wait for. Pure: the caller
/// passes the time. Only Xen's count is progress. A guest's own word ends a wait only where Xen's count agrees.
public struct MoveJudge: Sendable {
    public enum Verdict: Equatable, Sendable {
        case moving
        case reached
        /// The guest says that it cannot go on, and is at this size.
        case held(vnode: Int, HeldReason, at: KiB)
        /// The guest did not acknowledge the target.
        case deaf
        /// It made no progress for the whole waiting time.
        case stuck
        case contradicts(claims: KiB, xenSays: KiB)
        /// Another program wrote another target.
        case superseded(vnode: Int)
        /// Xen promised the memory to a domain that is being built.
        case claimed(vnode: Int, claimedPages: Frames, at: KiB)
        case gone

        public var isEnd: Bool { self != .moving }
        public var isSuperseded: Bool { if case .superseded = self { true } else { false } }
    }

    /// How long to wait for an acknowledgement, and for a contradiction to disappear.
    public static let answerPatience: Interval = .seconds(3)
    static let contradictionPatience: Interval = .seconds(2)
    /// A little more than the guest's longest pause between two attempts.
    static let retryPatience: Interval = .seconds(65)
    /// A change of fewer pages is no progress, unless no more is left to move.
    static let stepPages = Frames(512)

    private struct Watch {
        var goals: [Int: KiB]
        var began: Moment
        /// The least and the most that the domain had by Xen's count, and the least that was left to move. Each step of
        /// progress passes one of them, so that a guest that goes up and down does not keep anyone waiting for ever.
        var pages: ClosedRange<Frames>
        var leastLeft: Frames?
        var lastPages: Frames
        var lastProgress: Moment
        var contradictsSince: Moment?
        /// How much the whole domain shall have by Xen's count; nil: its vnodes have targets.
        var wantedKiB: Int64?
        var verdict = Verdict.moving

        mutating func excuse(_ time: Interval) {
            began = began + time
            lastProgress = lastProgress + time
            contradictsSince = contradictsSince.map { $0 + time }
        }
    }

    private var watches: [UInt16: Watch] = [:]
    private let stall: Interval
    private let follows: Bool

    /// - Parameters:
    ///   - goals: the targets of each domain, by vnode number.
    ///   - snapshot: taken before the targets were written.
    ///   - stall: how long to wait without progress.
    ///   - follows: a target that another program writes meanwhile is waited for instead.
    public init(
        _ goals: [UInt16: [Int: KiB]], _ snapshot: HostSnapshot, now: Moment, stall: Interval, follows: Bool = false
    ) {
        self.stall = stall
        self.follows = follows
        for (id, goals) in goals {
            let domain = snapshot.domains.first { $0.id == id }
            let pages = domain?.facts.pages ?? .zero
            watches[id] = Watch(goals: goals, began: now, pages: pages...pages, lastPages: pages, lastProgress: now)
            if let domain, let goal = goals[HostDomain.whole] {
                watches[id]?.wantedKiB = Int64(domain.wholeTarget(goal).count) + (domain.besideKiB ?? .zero)
            }
        }
    }

    public var verdicts: [UInt16: Verdict] { watches.mapValues(\.verdict) }
    /// The targets that are waited for.
    public var goals: [UInt16: [Int: KiB]] { watches.mapValues(\.goals) }
    public var isOver: Bool { watches.values.allSatisfy(\.verdict.isEnd) }
    public var areAllReached: Bool { watches.values.allSatisfy { $0.verdict == .reached } }

    /// Takes in a new snapshot. A final verdict stays.
    /// - Parameter silence: for how long xenstore did not answer before this snapshot. No guest could hear its target or
    ///   say anything in that time, so nobody's patience runs meanwhile.
    public mutating func look(_ snapshot: HostSnapshot, now: Moment, silence: Interval = .zero) {
        if silence > .zero { for id in watches.keys { watches[id]?.excuse(silence) } }
        for (id, watch) in watches where !watch.verdict.isEnd {
            guard let domain = snapshot.domains.first(where: { $0.id == id }), !domain.facts.isDying else {
                watches[id]?.verdict = .gone
                continue
            }
            watches[id] = look(watch, domain, snapshot, now)
        }
    }

    private func look(_ before: Watch, _ domain: HostDomain, _ snapshot: HostSnapshot, _ now: Moment) -> Watch {
        var watch = before
        let machine = snapshot.machine
        if let wanted = watch.wantedKiB { return look(whole: watch, wanted, domain, now) }
        let vnodes = domain.vnodes.filter { watch.goals[$0.number] != nil }
        noteProgress(&watch, domain, vnodes, now)
        if let other = vnodes.first(where: { $0.target != watch.goals[$0.number] }) {
            guard follows, vnodes.allSatisfy({ $0.target != nil }) else {
                watch.verdict = .superseded(vnode: other.number)
                return watch
            }
            for vnode in vnodes { watch.goals[vnode.number] = vnode.target }
            // It needs a moment to hear of it. Whether it makes progress is judged as before.
            (watch.began, watch.leastLeft) = (now, nil)
        }
        let open = vnodes.filter { !$0.isReached }
        if open.isEmpty {
            watch.verdict = believed(&watch, domain, now)
        } else if let verdict = obstacle(open, machine) {
            // A guest to which Xen refused memory tries again within a minute. No event tells it that memory is free
            // now.
            let isOver = open.contains { Self.isOver($0, domain, snapshot) }
            watch.verdict = isOver && now < watch.lastProgress + max(stall, Self.retryPatience) ? .moving : verdict
        } else if isDeaf(watch, open, now) {
            watch.verdict = .deaf
        } else if now >= watch.lastProgress + stall {
            watch.verdict = open.lazy.compactMap { Self.claimed($0, machine) }.first ?? .stuck
        }
        return watch
    }

    private func noteProgress(_ watch: inout Watch, _ domain: HostDomain, _ vnodes: [HostVNode], _ now: Moment) {
        let left = vnodes.reduce(Frames.zero) { sum, vnode in
            sum + (vnode.roundedTarget ?? .zero).difference(from: vnode.balloon ?? .zero).wholeFrames
        }
        noteProgress(&watch, left: left, domain.facts.pages, now)
    }

    private func noteProgress(_ watch: inout Watch, left: Frames, _ pages: Frames, _ now: Moment) {
        let least = watch.leastLeft ?? left
        let isBeyond =
            pages + Self.stepPages <= watch.pages.lowerBound || pages >= watch.pages.upperBound + Self.stepPages
        // Vnodes that move in opposite directions leave the count where it was. That they come nearer is the guest's own
        // word, which can come down to nothing only once.
        let isNearer = left < least && (left < Self.stepPages || left + Self.stepPages <= least)
        watch.leastLeft = watch.leastLeft ?? left
        guard isBeyond || isNearer && pages != watch.lastPages else { return }
        watch.pages = min(pages, watch.pages.lowerBound)...max(pages, watch.pages.upperBound)
        (watch.leastLeft, watch.lastPages, watch.lastProgress) = (min(least, left), pages, now)
    }

    /// For a domain that follows only memory/target, Xen's count is the only evidence.
    private func look(whole before: Watch, _ wantedKiB: Int64, _ domain: HostDomain, _ now: Moment) -> Watch {
        var watch = before
        let left = KiB((Int64(domain.memory.count) - wantedKiB).magnitude)
        noteProgress(&watch, left: left.wholeFrames, domain.facts.pages, now)
        if domain.legacyTarget != watch.goals[HostDomain.whole].map(domain.wholeTarget) {
            watch.verdict = .superseded(vnode: HostDomain.whole)
        } else if left <= HostDomain.tolerance {
            watch.verdict = .reached
        } else if now >= watch.lastProgress + stall {
            watch.verdict = .stuck
        }
        return watch
    }

    /// The guest says that it has reached its target. Xen's count must agree, after a moment at the latest.
    private func believed(_ watch: inout Watch, _ domain: HostDomain, _ now: Moment) -> Verdict {
        guard let contradiction = domain.contradiction else { return .reached }
        let since = watch.contradictsSince ?? now
        watch.contradictsSince = since
        guard now >= since + Self.contradictionPatience else { return .moving }
        return .contradicts(claims: contradiction.claims, xenSays: contradiction.xenSays)
    }

    /// The reason, if every vnode that has not reached its target gives one for this very target.
    private func obstacle(_ open: [HostVNode], _ machine: MachineFacts) -> Verdict? {
        var first: Verdict?
        for vnode in open {
            guard vnode.state == .held || vnode.state == .stopped, vnode.acknowledged == vnode.target else {
                return nil
            }
            // Memory that Xen promised to a domain being built will soon be used or free again, so this is no final
            // obstacle.
            if Self.claimed(vnode, machine) != nil { return nil }
            guard let reason = vnode.reason else { return nil }
            first = first ?? .held(vnode: vnode.number, reason, at: vnode.balloon ?? .zero)
        }
        return first
    }

    /// Whether the obstacle that the vnode names is gone by now.
    private static func isOver(_ vnode: HostVNode, _ domain: HostDomain, _ snapshot: HostSnapshot) -> Bool {
        switch vnode.reason {
        case .pnodeFull:
            let node = snapshot.nodes.first { $0.number == vnode.pnode }
            return snapshot.free >= vnode.grain && (node.map { $0.free >= vnode.grain } ?? false)
        case .maxReservation: return domain.facts.maxPages.kib >= domain.memory + vnode.grain
        default: return false
        }
    }

    private static func claimed(_ vnode: HostVNode, _ machine: MachineFacts) -> Verdict? {
        guard vnode.reason == .pnodeFull, machine.claimedPages > .zero else { return nil }
        return .claimed(vnode: vnode.number, claimedPages: machine.claimedPages, at: vnode.balloon ?? .zero)
    }

    private func isDeaf(_ watch: Watch, _ open: [HostVNode], _ now: Moment) -> Bool {
        let heard = open.contains { $0.acknowledged == $0.target }
        return !heard && watch.lastProgress == watch.began && now >= watch.began + min(Self.answerPatience, stall)
    }
}
