/// Watches domains on their way to targets, and says of each when there is nothing left to wait for. Pure: the clock comes with
/// each look. Progress is what Xen counts; what a guest says ends a wait only where Xen's count agrees.
public struct MoveJudge: Sendable {
    public enum Verdict: Equatable, Sendable {
        case moving
        case reached
        /// The guest says that it cannot go on, and has this size.
        case held(vnode: Int, HeldReason, at: KiB)
        /// It did not answer to the target.
        case deaf
        /// No progress for the time that the caller waits.
        case stuck
        case contradicts(claims: KiB, xenSays: KiB)
        /// Another program wrote another target.
        case superseded(vnode: Int)
        /// Xen promised the memory to a domain that is being built.
        case claimed(vnode: Int, claimedPages: Frames, at: KiB)
        case gone

        public var isEnd: Bool { self != .moving }
    }

    /// How long is waited for an acknowledgement, and for a contradiction to go away.
    public static let answerPatience: Interval = .seconds(3)
    static let contradictionPatience: Interval = .seconds(2)
    /// The guest's longest pause between two attempts, and a margin.
    static let retryPatience: Interval = .seconds(65)
    /// Less than this in pages is no progress, unless it is all that is left.
    static let stepPages = Frames(512)

    private struct Watch {
        var goals: [Int: KiB]
        var began: Moment
        var lastPages: Frames
        var lastProgress: Moment
        var contradictsSince: Moment?
        /// What the whole domain is to have by Xen's count; nil: its vnodes are asked.
        var wantedKiB: Int64?
        var verdict = Verdict.moving
    }

    private var watches: [UInt16: Watch] = [:]
    private let stall: Interval

    /// - Parameters:
    ///   - goals: the targets of each domain, by vnode.
    ///   - snapshot: as it was before the targets were written.
    ///   - stall: how long is waited without progress.
    public init(_ goals: [UInt16: [Int: KiB]], _ snapshot: HostSnapshot, now: Moment, stall: Interval) {
        self.stall = stall
        for (id, goals) in goals {
            let domain = snapshot.domains.first { $0.id == id }
            watches[id] = Watch(goals: goals, began: now, lastPages: domain?.facts.pages ?? .zero, lastProgress: now)
            if let domain, let goal = goals[HostDomain.whole] {
                watches[id]?.wantedKiB = Int64(domain.wholeTarget(goal).count) + (domain.besideKiB ?? .zero)
            }
        }
    }

    public var verdicts: [UInt16: Verdict] { watches.mapValues(\.verdict) }
    public var isOver: Bool { watches.values.allSatisfy(\.verdict.isEnd) }
    public var areAllReached: Bool { watches.values.allSatisfy { $0.verdict == .reached } }

    /// Takes in the present state. A final verdict does not change any more.
    public mutating func look(_ snapshot: HostSnapshot, now: Moment) {
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
            watch.verdict = .superseded(vnode: other.number)
            return watch
        }
        let open = vnodes.filter { !$0.isReached }
        if open.isEmpty {
            watch.verdict = believed(&watch, domain, now)
        } else if let verdict = obstacle(open, machine) {
            // A guest that was refused memory tries again within a minute; no event tells it that there is some now.
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
        let pages = domain.facts.pages
        let moved = pages.difference(from: watch.lastPages)
        let left = vnodes.reduce(Frames.zero) { sum, vnode in
            sum + (vnode.roundedTarget ?? .zero).difference(from: vnode.balloon ?? .zero).wholeFrames
        }
        noteProgress(&watch, moved: moved, left: left, pages, now)
    }

    private func noteProgress(_ watch: inout Watch, moved: Frames, left: Frames, _ pages: Frames, _ now: Moment) {
        guard moved >= Self.stepPages || (moved > .zero && left < Self.stepPages) else { return }
        watch.lastPages = pages
        watch.lastProgress = now
    }

    /// Of a domain that follows memory/target alone nothing but Xen's count tells.
    private func look(whole before: Watch, _ wantedKiB: Int64, _ domain: HostDomain, _ now: Moment) -> Watch {
        var watch = before
        let pages = domain.facts.pages
        let moved = pages.difference(from: watch.lastPages)
        let left = KiB((Int64(domain.memory.count) - wantedKiB).magnitude)
        noteProgress(&watch, moved: moved, left: left.wholeFrames, pages, now)
        if domain.legacyTarget != watch.goals[HostDomain.whole].map(domain.wholeTarget) {
            watch.verdict = .superseded(vnode: HostDomain.whole)
        } else if left <= HostDomain.tolerance {
            watch.verdict = .reached
        } else if now >= watch.lastProgress + stall {
            watch.verdict = .stuck
        }
        return watch
    }

    /// The guest says that it is there: Xen's count has to agree, at the latest after a moment.
    private func believed(_ watch: inout Watch, _ domain: HostDomain, _ now: Moment) -> Verdict {
        guard let contradiction = domain.contradiction else { return .reached }
        let since = watch.contradictsSince ?? now
        watch.contradictsSince = since
        guard now >= since + Self.contradictionPatience else { return .moving }
        return .contradicts(claims: contradiction.claims, xenSays: contradiction.xenSays)
    }

    /// All that are not there say why, of this very target.
    private func obstacle(_ open: [HostVNode], _ machine: MachineFacts) -> Verdict? {
        var first: Verdict?
        for vnode in open {
            guard vnode.state == .held || vnode.state == .stopped, vnode.acknowledged == vnode.target else {
                return nil
            }
            // What is promised to a domain that is being built comes free, or is used, soon.
            if Self.claimed(vnode, machine) != nil { return nil }
            guard let reason = vnode.reason else { return nil }
            first = first ?? .held(vnode: vnode.number, reason, at: vnode.balloon ?? .zero)
        }
        return first
    }

    /// The obstacle that the guest names is gone.
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
