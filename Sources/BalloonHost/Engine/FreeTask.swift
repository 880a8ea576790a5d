/// Frees memory of physical nodes: it plans, writes targets, watches, and plans anew without domains that do not move.
/// Pure except for the engine that writes; the caller provides the clock and decides how long to wait.
public struct FreeTask {
    /// How much memory of one physical node must become free and usable. nil: of any node.
    public struct Wish: Equatable, Sendable {
        public var pnode: Int?
        public var kib: KiB
        /// `kib` is the increase over the present amount, not the total.
        public var isMore: Bool

        public init(pnode: Int?, kib: KiB, isMore: Bool) {
            self.pnode = pnode
            self.kib = kib
            self.isMore = isMore
        }
    }

    public struct Options: Sendable {
        public var spread = FreePlan.Spread.fewest
        /// Give what can be given, even if it is not enough.
        public var isPartial = false
        public var chosen: Set<UInt16>?
        /// See ``HostDomain/oldExclusion(isTold:)``.
        public var takesOld = false

        public init() {}
    }

    /// A plan for all nodes together: targets by domain and vnode.
    public struct Plan: Equatable, Sendable {
        public var targets: [UInt16: [Int: KiB]] = [:]
        /// How much the plan frees for each wish.
        public var given: [KiB] = []
        /// How much is missing of each wish.
        public var short: [KiB] = []
    }

    public let wishes: [Wish]
    public let options: Options
    /// The domains that did not do what they were asked to. No further plan of this task includes them.
    public private(set) var excluded: [UInt16: MoveJudge.Verdict] = [:]
    /// For domains that are asked as a whole: how much memory Xen counted beyond memory/target before anything moved.
    private var besideKiB: [UInt16: Int64] = [:]

    /// - Parameter wishes: as requested. An increase counts from this snapshot.
    public init(_ wishes: [Wish], _ options: Options, _ snapshot: HostSnapshot) {
        self.wishes = wishes.map { wish in
            guard wish.isMore else { return wish }
            return Wish(pnode: wish.pnode, kib: wish.kib + Self.free(wish.pnode, snapshot), isMore: false)
        }
        self.options = options
    }

    /// How much will be free and usable there once all moves that were asked for are done.
    static func free(_ pnode: Int?, _ snapshot: HostSnapshot) -> KiB {
        if let pnode { return snapshot.nodes.indices.contains(pnode) ? snapshot.nodes[pnode].comingFree : .zero }
        return snapshot.nodes.reduce(snapshot.givingAnywhere) { $0 + $1.comingFree }
    }

    /// How much was measured free there now, without reservations.
    public static func measured(_ pnode: Int?, _ snapshot: HostSnapshot) -> KiB {
        let nodes = snapshot.nodes.filter { pnode == nil || $0.number == pnode }
        return nodes.reduce(.zero) { $0 + $1.free.less($1.reserved) }
    }

    /// How much was measured free of all nodes that are wished for, reserved or not.
    func measured(_ snapshot: HostSnapshot) -> KiB {
        let nodes = snapshot.nodes.filter { node in wishes.contains { $0.pnode == nil || $0.pnode == node.number } }
        return nodes.reduce(.zero) { $0 + $1.free }
    }

    /// How much of a wish is missing, including memory that is already on its way.
    static func need(_ wish: Wish, _ snapshot: HostSnapshot) -> KiB {
        let nodes = snapshot.nodes.filter { wish.pnode == nil || $0.number == wish.pnode }
        let spoken = nodes.reduce(wish.kib) { $0 + $1.reserved + $1.taking }
        let anywhere = wish.pnode == nil ? snapshot.givingAnywhere : .zero
        return spoken.less(nodes.reduce(anywhere) { $0 + $1.free + $1.giving })
    }

    public func plan(_ snapshot: HostSnapshot) -> Plan {
        var plan = Plan()
        for wish in wishes {
            let seats = seats(wish, snapshot)
            let part = FreePlan(freeing: Self.need(wish, snapshot), from: seats, spread: options.spread)
            plan.given.append(part.given)
            plan.short.append(part.short)
            for (domain, targets) in HostEngine.targets(part.changes, seats) {
                plan.targets[domain, default: [:]].merge(targets) { max($0, $1) }
            }
        }
        return plan
    }

    private func seats(_ wish: Wish, _ snapshot: HostSnapshot) -> [Seat] {
        let seats =
            if let pnode = wish.pnode { snapshot.seats(on: pnode, from: options.chosen) } else {
                snapshot.seatsAnywhere(from: options.chosen, takesOld: options.takesOld)
            }
        return seats.filter { excluded[$0.domain] == nil }
    }

    /// Why this task's plans leave a domain out; nil: they include it, or its vnodes have the reason.
    public func exclusion(_ domain: HostDomain) -> Exclusion? {
        guard wishes.contains(where: { $0.pnode == nil }) else {
            return domain.exclusion ?? domain.vnodes.lazy.compactMap(\.exclusion).first
        }
        if !domain.isManaged { return domain.oldExclusion(isTold: options.takesOld) }
        return domain.exclusionAnywhere ?? domain.vnodes.lazy.compactMap(\.exclusionAnywhere).first
    }

    /// Called before targets for whole domains are written. Notes the difference between Xen's count and memory/target,
    /// which does not change when the domain moves.
    mutating func noteWholes(_ plan: Plan, _ snapshot: HostSnapshot) {
        for domain in snapshot.domains where plan.targets[domain.id]?[HostDomain.whole] != nil {
            besideKiB[domain.id] = domain.besideKiB
        }
    }

    /// Whether all the memory that was asked for was measured free.
    public func isDone(_ snapshot: HostSnapshot) -> Bool {
        wishes.allSatisfy { wish in
            let nodes = snapshot.nodes.filter { wish.pnode == nil || $0.number == wish.pnode }
            return nodes.reduce(.zero) { $0 + $1.free } >= nodes.reduce(wish.kib) { $0 + $1.reserved }
        }
    }

    /// Gives up on domains that did not do what they were asked to. Their present size becomes their target, so that
    /// the memory does not come later and twice.
    public mutating func giveUp(
        on verdicts: [UInt16: MoveJudge.Verdict], _ goals: [UInt16: [Int: KiB]], _ engine: HostEngine,
        _ snapshot: HostSnapshot
    ) throws(BalloonError) {
        var all: [UInt16: [Int: KiB]] = [:]
        for (id, verdict) in verdicts where verdict != .reached {
            excluded[id] = verdict
            guard let domain = snapshot.domains.first(where: { $0.id == id }), verdict != .gone else { continue }
            var targets: [Int: KiB] = [:]
            if let goal = goals[id]?[HostDomain.whole], let beside = besideKiB[id],
                domain.legacyTarget == domain.wholeTarget(goal)
            {
                let kib = KiB(UInt64(max(0, Int64(domain.memory.count) - beside)))
                if kib > domain.wholeTarget(goal) { targets[HostDomain.whole] = domain.wholeTarget(kib) }
            }
            for vnode in domain.vnodes {
                // This changes only targets that this task wrote.
                guard let goal = goals[id]?[vnode.number], vnode.target == goal,
                    let kib = domain.mostGiven(vnode), kib < goal
                else { continue }
                targets[vnode.number] = kib.roundedUp(to: vnode.grain)
            }
            all[id] = targets
        }
        try engine.setTargets(all, of: snapshot.domains)
    }
}
