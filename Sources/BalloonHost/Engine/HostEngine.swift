internal import Glibc

/// What the toolstack does to domains: rows, targets, maxima. Every change is one transaction that also reads the
/// domain's own entry and asks Xen for its UUID, so that nothing is written for a domain that is gone, or for another one
/// with its number.
public final class HostEngine {
    public let reader: HostReader
    let store: any ToolstackStore
    let xen: any HostXen

    public init(_ reader: HostReader) {
        self.reader = reader
        store = reader.store
        xen = reader.xen
    }

    public func read() throws(BalloonError) -> HostSnapshot { try reader.read() }

    public var ledger: Ledger { Ledger(store) }

    /// - Returns: false when the domain is gone. Nothing was done then.
    @discardableResult
    func inDomain(
        _ domain: HostDomain, _ body: (Transaction) throws(BalloonError) -> Void
    ) throws(BalloonError) -> Bool {
        var isThere = false
        do throws(BalloonError) {
            try store.transaction { (transaction) throws(BalloonError) in
                isThere = try !self.present([domain], transaction).isEmpty
                guard isThere else { throw BalloonError(.store, "domain \(domain.id) is gone") }
                try body(transaction)
            }
        } catch {
            guard isThere else { return false }
            throw error
        }
        return true
    }

    /// Those of the domains that are still there. Xen is asked after the rows were read: a number that goes to another
    /// domain later has its rows removed and made anew, and that breaks the transaction.
    private func present(_ domains: [HostDomain], _ transaction: Transaction) throws(BalloonError) -> Set<UInt16> {
        var introduced: [HostDomain] = []
        for domain in domains where try store.read(HostRows.domid(domain.id), in: transaction) != nil {
            introduced.append(domain)
        }
        let now = try xen.domains()
        return Set(
            introduced.filter { domain in
                now.contains { $0.id == domain.id && $0.uuid == domain.facts.uuid }
            }.map(\.id))
    }

    /// - Returns: false when the domain is gone.
    @discardableResult
    func setMax(_ domain: HostDomain, _ kib: KiB) throws(BalloonError) -> Bool {
        do throws(BalloonError) { try xen.setMax(domain.id, kib: kib) } catch {
            guard error.errno == ESRCH else { throw error }
            return false
        }
        return true
    }

    func write(_ path: String, _ value: String, _ transaction: Transaction?) throws(BalloonError) {
        try store.write(path, value, in: transaction)
    }

    // MARK: Rows

    /// How many rows of the interface a domain lacks.
    public static func missing(_ domain: HostDomain) -> Int {
        guard !domain.isToolstack, domain.isIntroduced, !domain.facts.isDying else { return 0 }
        if domain.feature == .absent { return 1 + domain.vnodes.count * (1 + HostRows.reports.count) }
        return domain.vnodes.reduce(0) { $0 + $1.missingRows.count }
    }

    /// Makes the missing rows, and changes no other. It writes no target: the guest must first publish its sizes.
    /// - Returns: how many rows were made.
    @discardableResult
    public func prepare(_ domain: HostDomain) throws(BalloonError) -> Int {
        guard Self.missing(domain) > 0 else { return 0 }
        let id = domain.id
        var made = 0
        let isThere = try inDomain(domain) { (transaction) throws(BalloonError) in
            made = 0
            for vnode in domain.vnodes {
                let directory = HostRows.vnode(id, vnode.number)
                if try self.store.read(directory + "/size", in: transaction) == nil {
                    try self.write(directory + "/size", "\(vnode.size)", transaction)
                    made += 1
                }
                for name in HostRows.reports { made += try self.makeGuestRow("\(directory)/\(name)", id, transaction) }
                if let pnode = vnode.pnode {
                    try self.write(HostRows.kept(id, "pnode/\(vnode.number)"), "\(pnode)", transaction)
                }
            }
            made += try self.makeGuestRow(HostRows.feature(id), id, transaction)
            try self.own(domain, transaction)
        }
        return isThere ? made : 0
    }

    private func makeGuestRow(_ path: String, _ id: UInt16, _ transaction: Transaction) throws(BalloonError) -> Int {
        guard try store.read(path, in: transaction) == nil else { return 0 }
        try write(path, "", transaction)
        try store.give(path, to: id, in: transaction)
        return 1
    }

    /// Makes sure that the kept rows are this domain's, and removes those of an earlier domain with the same number.
    func own(_ domain: HostDomain, _ transaction: Transaction) throws(BalloonError) {
        let path = HostRows.kept(domain.id, "uuid")
        let uuid = Array(domain.facts.uuid.utf8)
        let found = try store.read(path, in: transaction)
        guard found != uuid else { return }
        if found != nil { try store.remove(HostRows.kept(domain.id), in: transaction) }
        try write(path, domain.facts.uuid, transaction)
    }

    /// Removes the kept rows of domains that no longer exist.
    /// - Returns: their numbers.
    @discardableResult
    public func forgetGone(_ snapshot: HostSnapshot) throws(BalloonError) -> [UInt16] {
        var gone: [UInt16] = []
        for name in try store.children(HostRows.domains, in: nil) ?? [] {
            let id = decimalNumber(Array(name.utf8)).flatMap { UInt16(exactly: $0) }
            if let id, snapshot.domains.contains(where: { $0.id == id }) { continue }
            try store.remove(HostRows.domains + "/" + name, in: nil)
            if let id { gone.append(id) }
        }
        return gone
    }

    // MARK: Targets

    /// Once the guest has published its sizes, these become the targets of vnodes that have none, unless a target is
    /// remembered by UUID. The sum of Xen's count and the balloons is noted, too.
    /// - Parameter snapshot: while another domain has the same UUID (it is being migrated within this host), remembered
    ///   targets are not used. nil: they are not used either.
    /// - Returns: the vnodes that got a target.
    @discardableResult
    public func adopt(_ domain: HostDomain, _ snapshot: HostSnapshot? = nil) throws(BalloonError) -> [Int] {
        guard domain.isManaged, domain.isIntroduced else { return [] }
        let new = domain.vnodes.filter { $0.target == nil && $0.balloon != nil && $0.missingRows.isEmpty }
        let isAlone = snapshot?.domains.allSatisfy { $0.id == domain.id || $0.facts.uuid != domain.facts.uuid } ?? false
        let constant = domain.constant == nil ? Self.constant(domain) : nil
        guard !new.isEmpty || constant != nil else { return [] }
        var adopted: [Int] = []
        let isThere = try inDomain(domain) { (transaction) throws(BalloonError) in
            adopted = []
            try self.own(domain, transaction)
            if isAlone { try self.keepRemembering(domain, transaction) }
            if let constant { try self.write(HostRows.kept(domain.id, "constant"), "\(constant)", transaction) }
            for vnode in new {
                let path = HostRows.target(domain.id, vnode.number)
                // A target that another program wrote meanwhile stays.
                guard try self.store.read(path, in: transaction) == nil, let kib = vnode.balloon else { continue }
                let wanted = isAlone ? try self.remembered(domain, vnode, transaction) : nil
                try self.write(path, "\(wanted ?? kib)", transaction)
                adopted.append(vnode.number)
            }
        }
        return isThere ? adopted : []
    }

    /// The sum of Xen's count and the balloons. The guest's sizes are believed if Xen's count at the same moment and
    /// static-max agree with them. Firmware and special pages may make a difference of a megabyte.
    static func constant(_ domain: HostDomain) -> KiB? {
        guard let claimed = domain.claimed,
            domain.vnodes.allSatisfy({ $0.state == .idle || $0.state == .held })
        else { return nil }
        let told = domain.memory + claimed
        guard let most = domain.staticMax else { return told }
        return told.difference(from: most) <= .mib(1) + domain.video ? told : max(most, domain.memory)
    }

    /// Sets targets of one domain in one transaction. Xen's maximum is raised first where it is too low for them.
    /// - Returns: false when the domain is gone.
    @discardableResult
    public func setTargets(_ domain: HostDomain, _ targets: [Int: KiB]) throws(BalloonError) -> Bool {
        try setTargets([domain.id: targets], of: [domain])
    }

    /// Sets the targets of a whole plan in one transaction: a process that is killed has written all of them or none, so
    /// the one that comes after it makes the same plan again, or finds nothing to plan.
    /// - Returns: false when one of the domains is gone. The other ones have their targets.
    @discardableResult
    public func setTargets(
        _ plan: [UInt16: [Int: KiB]], of domains: [HostDomain]
    ) throws(BalloonError) -> Bool {
        let changes = domains.compactMap { domain in
            plan[domain.id].map { (domain: domain, targets: Self.changed($0, domain)) }
        }.filter { !$0.targets.isEmpty }
        guard !changes.isEmpty else { return true }
        var areThere = true
        try store.transaction { (transaction) throws(BalloonError) in
            let present = try self.present(changes.map(\.domain), transaction)
            areThere = present.count == changes.count
            for (domain, targets) in changes where present.contains(domain.id) {
                try self.raiseMax(domain, targets)
                for (vnode, kib) in targets.sorted(by: { $0.key < $1.key }) {
                    try self.writeTarget(domain, vnode, kib, transaction)
                }
            }
        }
        return areThere
    }

    /// The targets that are to be written. A domain that follows only memory/target has one, for the whole of it.
    private static func changed(_ targets: [Int: KiB], _ domain: HostDomain) -> [Int: KiB] {
        if let kib = targets[HostDomain.whole] { return [HostDomain.whole: kib] }
        return targets.filter { vnode, kib in domain.vnodes.contains { $0.number == vnode && $0.target != kib } }
    }

    private func writeTarget(
        _ domain: HostDomain, _ vnode: Int, _ kib: KiB, _ transaction: Transaction
    ) throws(BalloonError) {
        if vnode == HostDomain.whole { return try writeWhole(domain, kib, transaction) }
        try write(HostRows.target(domain.id, vnode), "\(kib)", transaction)
        try remember(domain, vnode, kib, transaction)
    }

    /// Raises Xen's maximum: a guest that was started below its maximum, or whose maximum was lowered, could not take
    /// the memory that the targets leave it.
    private func raiseMax(_ domain: HostDomain, _ targets: [Int: KiB]) throws(BalloonError) {
        if let kib = targets[HostDomain.whole] { return try raiseMax(whole: domain, domain.wholeTarget(kib)) }
        let needed = Self.bound(domain, targets)
        if domain.facts.maxPages.kib < needed { try setMax(domain, needed) }
    }

    /// The maximum for a domain with these targets: what they leave it, plus the megabyte that libxl adds.
    static func bound(_ domain: HostDomain, _ targets: [Int: KiB] = [:]) -> KiB {
        domain.vnodes.reduce(.mib(1) + domain.video) { sum, vnode in
            sum + vnode.size - min(targets[vnode.number] ?? vnode.target ?? .zero, vnode.size)
        }
    }

    /// Whether Xen's maximum does not match the targets: the domain has reached them and could take more, or it is
    /// asked to take more than it may. While the domain gives memory its maximum is left alone.
    static func isMisbound(_ domain: HostDomain) -> Bool {
        guard domain.isManaged, domain.exclusionAnywhere == nil, domain.constant != nil,
            domain.vnodes.allSatisfy({ $0.target != nil })
        else { return false }
        let (most, bound) = (domain.facts.maxPages.kib, Self.bound(domain))
        return most < bound || (domain.vnodes.allSatisfy(\.isReached) && most > max(bound, domain.memory))
    }

    /// The changes of a plan as targets of each domain.
    public static func targets(_ changes: [Change], _ seats: [Seat]) -> [UInt16: [Int: KiB]] {
        var targets: [UInt16: [Int: KiB]] = [:]
        for change in changes {
            let seat = seats[change.seat]
            targets[seat.domain, default: [:]][seat.vnode] = change.target
        }
        return targets
    }
}
