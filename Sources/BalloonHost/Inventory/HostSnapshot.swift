/// All that the toolstack knows at one moment.
public struct HostSnapshot: Equatable, Sendable {
    public var machine: MachineFacts
    public var domains: [HostDomain]
    public var nodes: [PhysicalNode]
    public var reservations: [Reservation]
    /// How much vnodes without a known physical node were asked to give and have not given yet.
    public var givingAnywhere: KiB = .zero

    /// Computes how much of each node is reserved, being taken and being given.
    public init(machine: MachineFacts, nodes: [NodeFacts], domains: [HostDomain], reservations: [Reservation]) {
        self.machine = machine
        self.domains = domains
        self.reservations = reservations
        self.nodes = nodes.enumerated().map {
            PhysicalNode(number: $0, size: $1.size, free: $1.free)
        }
        for reservation in reservations { note(reservation.pnode) { $0.reserved += reservation.kib } }
        for domain in domains where domain.isManaged {
            for pnode in self.nodes.indices { note(pnode) { $0.taking += domain.taking(of: pnode) } }
            for vnode in domain.vnodes {
                guard let target = vnode.roundedTarget, let now = vnode.balloon, target > now else { continue }
                // A domain or vnode that is held or stopped gives nothing, so it must not be counted on.
                if domain.exclusionAnywhere != nil || vnode.exclusionAnywhere != nil { continue }
                guard let pnode = vnode.pnode, domain.exclusion == nil else {
                    givingAnywhere += target - now
                    continue
                }
                note(pnode) { $0.giving += target - now }
            }
        }
    }

    /// Xen's figures alone, where xenstore does not answer: the domains have no names, no rows and no vnodes.
    /// - Throws: `.hypercall`.
    public init(withoutRows xen: any HostXen) throws(BalloonError) {
        self.init(
            machine: try xen.machine(), nodes: try xen.nodes(),
            domains: try xen.domains().map { HostDomain(facts: $0, name: "?") }, reservations: [])
    }

    private mutating func note(_ pnode: Int, _ change: (inout PhysicalNode) -> Void) {
        if nodes.indices.contains(pnode) { change(&nodes[pnode]) }
    }

    public var claimed: KiB { machine.claimedPages.kib }
    /// Memory that is free and not claimed in Xen.
    public var free: KiB { machine.freePages.less(machine.claimedPages).kib }

    /// How much memory of a node vnodes may take now. Memory that is reserved or granted on other nodes is subtracted
    /// from the host's free memory.
    /// - Parameter granted: how much was already granted on other nodes with this snapshot.
    public func usable(_ pnode: Int, granted: KiB = .zero) -> KiB {
        let elsewhere = nodes.reduce(granted) { $0 + ($1.number == pnode ? .zero : $1.spoken) }
        return nodes[pnode].usable(hostFree: free.less(elsewhere))
    }

    /// Finds a domain by name, number or UUID.
    /// - Throws: `.usage`.
    public func domain(_ text: String) throws(BalloonError) -> HostDomain {
        if let id = decimalNumber(Array(text.utf8)), let found = domains.first(where: { UInt64($0.id) == id }) {
            return found
        }
        let found = domains.filter { $0.name == text || $0.facts.uuid == text.lowercased() }
        guard let first = found.first else {
            throw BalloonError(.usage, "there is no domain \(text); `balloonctl host list` shows them")
        }
        guard found.count == 1 else {
            let ids = found.map { "\($0.id)" }.joined(separator: ", ")
            throw BalloonError(.usage, "\(text) is more than one domain (\(ids)): say which by its number")
        }
        return first
    }

    /// The vnodes of one physical node that can give, as seats of a plan.
    public func seats(on pnode: Int, from chosen: Set<UInt16>? = nil) -> [Seat] {
        domains.flatMap { domain -> [Seat] in
            guard domain.exclusion == nil, chosen?.contains(domain.id) ?? true else { return [] }
            return domain.vnodes.filter { $0.exclusion == nil && $0.pnode == pnode }.map { domain.seat($0) }
        }
    }

    /// The vnodes of one physical node that take part in levelling: those that can give, and those that their guard
    /// holds, which can only take.
    public func levelSeats(on pnode: Int) -> [Seat] {
        domains.filter { $0.exclusion == nil }.flatMap { domain in
            domain.vnodes.filter { $0.pnode == pnode }.compactMap { vnode -> Seat? in
                if vnode.exclusion == nil { return domain.seat(vnode) }
                // It does not give what it was asked for beyond this. Its own word alone would let a guest that reports
                // too little take back what it has given, past every reservation.
                guard vnode.exclusion == .held, let kib = domain.mostGiven(vnode) else { return nil }
                var seat = domain.seat(vnode)
                seat.balloon = min(kib, seat.size)
                seat.isHeld = true
                return seat
            }
        }
    }

    /// All vnodes and domains that can give memory on any physical node. These include PV guests, and guests that
    /// follow only memory/target.
    /// - Parameter takesOld: see ``HostDomain/oldExclusion(isTold:)``.
    public func seatsAnywhere(from chosen: Set<UInt16>? = nil, takesOld: Bool = false) -> [Seat] {
        domains.flatMap { domain -> [Seat] in
            guard chosen?.contains(domain.id) ?? true else { return [] }
            if domain.oldExclusion(isTold: takesOld) == nil { return domain.wholeSeat().map { [$0] } ?? [] }
            guard domain.exclusionAnywhere == nil else { return [] }
            return domain.vnodes.filter { $0.exclusionAnywhere == nil }.map { domain.seat($0) }
        }
    }
}

/// A reservation: memory that must stay free.
public struct Reservation: Equatable, Sendable {
    public var id: String
    public var pnode: Int
    public var kib: KiB
    public var name: String
    /// The end in seconds of the wall clock; nil: until it is removed.
    public var until: UInt64?
    /// Whether it ends with the process that made it.
    public var isBound: Bool

    public init(
        id: String, pnode: Int, kib: KiB, name: String = "", until: UInt64? = nil, isBound: Bool = false
    ) {
        self.id = id
        self.pnode = pnode
        self.kib = kib
        self.name = name
        self.until = until
        self.isBound = isBound
    }
}
