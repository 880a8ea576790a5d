/// Frees memory of physical nodes: plans, writes targets, watches, and plans anew without domains that do not move.
/// Pure but for the engine that writes; the caller brings the clock and the patience.
public struct FreeTask {
    /// What is to be free and usable of one physical node. nil: of any.
    public struct Wish: Equatable, Sendable {
        public var pnode: Int?
        public var kib: KiB
        /// So much more than now, and not so much in all.
        public var isMore: Bool

        public init(pnode: Int?, kib: KiB, isMore: Bool) {
            self.pnode = pnode
            self.kib = kib
            self.isMore = isMore
        }
    }

    public struct Options: Sendable {
        public var spread = FreePlan.Spread.fewest
        /// Give what can be given, although it is not enough.
        public var isPartial = false
        public var chosen: Set<UInt16>?
        /// See ``HostDomain/oldExclusion(isTold:)``.
        public var takesOld = false

        public init() {}
    }

    /// A plan for all nodes together: targets by domain and vnode.
    public struct Plan: Equatable, Sendable {
        public var targets: [UInt16: [Int: KiB]] = [:]
        /// What the plan gives, of each wish.
        public var given: [KiB] = []
        /// What is missing of each wish.
        public var short: [KiB] = []
    }

    public let wishes: [Wish]
    public let options: Options
    /// Domains that did not do what they were asked: they are in no further plan of this task.
    public private(set) var excluded: [UInt16: MoveJudge.Verdict] = [:]
    /// What domains that are asked as a whole had beside their memory/target, by Xen's count, before anything moved.
    private var besideKiB: [UInt16: Int64] = [:]

    /// - Parameter wishes: as they are asked for; "so much more" counts from the snapshot.
    public init(_ wishes: [Wish], _ options: Options, _ snapshot: HostSnapshot) {
        self.wishes = wishes.map { wish in
            guard wish.isMore else { return wish }
            return Wish(pnode: wish.pnode, kib: wish.kib + Self.free(wish.pnode, snapshot), isMore: false)
        }
        self.options = options
    }

    /// What is free and usable there, once all that was asked for has moved.
    static func free(_ pnode: Int?, _ snapshot: HostSnapshot) -> KiB {
        if let pnode { return snapshot.nodes.indices.contains(pnode) ? snapshot.nodes[pnode].comingFree : .zero }
        return snapshot.nodes.reduce(snapshot.givingAnywhere) { $0 + $1.comingFree }
    }

    /// What is measured free there now, and not reserved.
    public static func measured(_ pnode: Int?, _ snapshot: HostSnapshot) -> KiB {
        let nodes = snapshot.nodes.filter { pnode == nil || $0.number == pnode }
        return nodes.reduce(.zero) { $0 + $1.free.less($1.reserved) }
    }

    /// What is missing of a wish, with what is on its way counted in.
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

    /// Why a domain is in none of these plans; nil: it is, or its vnodes say why.
    public func exclusion(_ domain: HostDomain) -> Exclusion? {
        guard wishes.contains(where: { $0.pnode == nil }) else {
            return domain.exclusion ?? domain.vnodes.lazy.compactMap(\.exclusion).first
        }
        if !domain.isManaged { return domain.oldExclusion(isTold: options.takesOld) }
        return domain.exclusionAnywhere ?? domain.vnodes.lazy.compactMap(\.exclusionAnywhere).first
    }

    /// Before targets of wholes are written: Xen's count and memory/target stay so far apart.
    mutating func noteWholes(_ plan: Plan, _ snapshot: HostSnapshot) {
        for domain in snapshot.domains where plan.targets[domain.id]?[HostDomain.whole] != nil {
            besideKiB[domain.id] = domain.besideKiB
        }
    }

    /// Whether everything that was asked for is measured free.
    public func isDone(_ snapshot: HostSnapshot) -> Bool {
        wishes.allSatisfy { wish in
            let nodes = snapshot.nodes.filter { wish.pnode == nil || $0.number == wish.pnode }
            return nodes.reduce(.zero) { $0 + $1.free } >= nodes.reduce(wish.kib) { $0 + $1.reserved }
        }
    }

    /// Gives up the domains that did not move. Their present sizes become their targets, so that the memory does not
    /// come later and twice.
    public mutating func giveUp(
        on verdicts: [UInt16: MoveJudge.Verdict], _ goals: [UInt16: [Int: KiB]], _ engine: HostEngine,
        _ snapshot: HostSnapshot
    ) throws(BalloonError) {
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
                // Only a target that this task wrote is changed.
                guard let goal = goals[id]?[vnode.number], vnode.target == goal,
                    let kib = domain.mostGiven(vnode), kib < goal
                else { continue }
                targets[vnode.number] = kib.roundedUp(to: vnode.grain)
            }
            try engine.setTargets(domain, targets)
        }
    }
}
