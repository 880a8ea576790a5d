/// Reads everything: Xen's figures, the guests' rows, and the rows that we keep about them.
public final class HostReader {
    let xen: any HostXen
    let store: any ToolstackStore
    private let pnodesOf: (UInt16, String) -> [Int]?
    private let savedLimits: (String) -> SavedLimits
    /// The layouts of domains, which do not change while a domain lives, by number and UUID.
    private var layouts: [String: Layout] = [:]
    /// What was read before, for a reader that remembers, and the domains that an event tells of.
    private var remembered: [UInt16: HostDomain] = [:]
    private var changed: Set<UInt16> = []
    private var isRemembering = false

    struct Layout {
        /// nil: it has no virtual NUMA.
        var sizes: [KiB]?
        var pnodes: [Int]?
    }

    /// - Parameters:
    ///   - pnodesOf: the physical node of each vnode of a domain, where libxl recorded it.
    ///   - savedLimits: by a domain's UUID.
    public init(
        xen: any HostXen, store: any ToolstackStore,
        pnodesOf: @escaping (UInt16, String) -> [Int]? = { UserData.pnodes(domain: $0, uuid: $1) },
        savedLimits: @escaping (String) -> SavedLimits = { SavedLimits.read($0) }
    ) {
        self.xen = xen
        self.store = store
        self.pnodesOf = pnodesOf
        self.savedLimits = savedLimits
    }

    /// From now on rows of a domain are read again only when an event tells of them. The caller has the watches of
    /// ``DomainWatches`` set in the same store. Where events may come late all rows are read each time as before: a plan
    /// would count on what another process has changed.
    package func remember() { isRemembering = store.eventsComeFirst }

    /// Reads all rows again the next time.
    package func forget() { remembered = [:] }

    /// Takes the watch events. An event says which domain's rows may have changed, and no more.
    /// - Returns: whether there was one.
    package func takeEvents() -> Bool {
        var any = false
        for _ in 0..<4096 {
            guard let path = try? store.nextEvent() else { return any }
            any = true
            if let id = HostRows.id(in: path) {
                changed.insert(id)
            } else if !path.hasPrefix("@") {
                // All that is kept about domains may be gone at once.
                forget()
            }
        }
        return any
    }

    /// - Parameter rowsOf: only these domains' rows are read; nil: all. A partial snapshot does not know all that is on
    ///   its way on a node.
    /// - Throws: `.hypercall`, `.store`.
    public func read(rowsOf chosen: Set<UInt16>? = nil) throws(BalloonError) -> HostSnapshot {
        // xenstored answers after it has sent the events of all that was written before.
        let reservations = try Ledger(store).all()
        if isRemembering { _ = takeEvents() }
        let facts = try xen.domains()
        let nodes = try xen.nodes()
        let alive = Set(facts.map(Self.key))
        layouts = layouts.filter { alive.contains($0.key) }
        var domains = try known(facts.filter { chosen?.contains($0.id) ?? true }, nodeCount: nodes.count)
        let later = Dictionary(try xen.domains().map { ($0.id, $0.pages) }, uniquingKeysWith: { $1 })
        for index in domains.indices {
            domains[index].isChanging = later[domains[index].id] != domains[index].facts.pages
        }
        return HostSnapshot(
            machine: try xen.machine(), nodes: nodes, domains: domains, reservations: reservations)
    }

    /// The domains, of which only those are read that are not remembered.
    private func known(_ facts: [DomainFacts], nodeCount: Int) throws(BalloonError) -> [HostDomain] {
        guard isRemembering else { return try domains(facts, nodeCount: nodeCount) }
        let read = try domains(facts.filter { !isRemembered($0) }, nodeCount: nodeCount)
        var all = remembered
        for domain in read { all[domain.id] = domain }
        let now = facts.compactMap { (facts) -> HostDomain? in
            var domain = all[facts.id]
            domain?.facts = facts
            return domain
        }
        // Where the layout is not known yet something is missing that no event tells of.
        let whole = now.filter { $0.isIntroduced && ($0.isToolstack || layouts[Self.key($0.facts)] != nil) }
        remembered = Dictionary(whole.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        changed = []
        return now
    }

    private func isRemembered(_ facts: DomainFacts) -> Bool {
        guard let domain = remembered[facts.id], domain.facts.uuid == facts.uuid, !changed.contains(facts.id) else {
            return false
        }
        return domain.isToolstack || savedLimits(facts.uuid) == domain.savedLimits
    }

    private static func key(_ facts: DomainFacts) -> String { "\(facts.id) \(facts.uuid)" }

    /// Reads domains, all of them together.
    private func domains(_ facts: [DomainFacts], nodeCount: Int) throws(BalloonError) -> [HostDomain] {
        var batch = RowBatch()
        var all = facts.map { DomainRows($0, &batch) }
        try batch.ask(store)
        let guests = all.indices.filter { all[$0].facts.id != 0 && all[$0].isIntroduced(batch) }
        let names = try store.children(all: guests.flatMap { all[$0].directories })
        var found: [Int: Layout] = [:]
        for (place, index) in guests.enumerated() {
            let layout = try layout(all[index].facts)
            found[index] = layout
            let there = (0...1).map { names[place * 2 + $0] ?? [] }
            all[index].wantRest(there, count: layout.sizes?.count ?? 1, &batch)
        }
        try batch.ask(store)
        return all.enumerated().map { domain($1, found[$0], batch, nodeCount) }
    }

    private func domain(_ rows: DomainRows, _ layout: Layout?, _ batch: RowBatch, _ nodeCount: Int) -> HostDomain {
        var domain = rows.domain(batch)
        guard let layout else { return domain }
        domain.hasVNUMA = layout.sizes != nil
        for (number, size) in (layout.sizes ?? domain.staticMax.map { [$0] } ?? []).enumerated() {
            var vnode = HostVNode(number: number, size: size)
            if domain.facts.kind != .pv {
                vnode.pnode = nodeCount == 1 ? 0 : layout.pnodes.flatMap { number < $0.count ? $0[number] : nil }
                if let pnode = vnode.pnode, pnode >= nodeCount { vnode.pnode = nil }
            }
            rows.read(&vnode, batch)
            domain.vnodes.append(vnode)
        }
        domain.ownLimits = rows.ownLimits(batch)
        domain.savedLimits = savedLimits(domain.facts.uuid)
        Limits.set(&domain, [domain.ownLimits, domain.savedLimits.limits, rows.dynamicLimits(batch)])
        return domain
    }

    private func layout(_ facts: DomainFacts) throws(BalloonError) -> Layout {
        let key = Self.key(facts)
        if let known = layouts[key] { return known }
        var layout = Layout()
        do throws(BalloonError) { layout.sizes = try xen.vnodeSizes(facts.id) } catch {
            // The domain ended meanwhile, or Xen's security policy forbids the call: there is nothing to plan with.
            return layout
        }
        layout.pnodes = layout.sizes == nil ? nil : pnodesOf(facts.id, facts.uuid)
        // libxl records where the vnodes lie only after it has built the whole domain. Until then this is read again
        // each time.
        if layout.sizes == nil || layout.pnodes != nil { layouts[key] = layout }
        return layout
    }
}
