/// Reads everything: Xen's figures, the guests' rows, what is kept of them.
public final class HostReader {
    let xen: any HostXen
    let store: any ToolstackStore
    private let pnodesOf: (UInt16, String) -> [Int]?
    private let savedLimits: (String) -> SavedLimits
    /// What does not change while a domain lives, by number and UUID.
    private var layouts: [String: Layout] = [:]

    struct Layout {
        /// nil: it has no virtual NUMA.
        var sizes: [KiB]?
        var pnodes: [Int]?
    }

    /// - Parameters:
    ///   - pnodesOf: where each vnode of a domain lies, as far as anybody wrote it down.
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

    /// - Parameter rowsOf: only these domains' rows are read; nil: all. What is on its way on a node is not known then.
    /// - Throws: `.hypercall`, `.store`.
    public func read(rowsOf chosen: Set<UInt16>? = nil) throws(BalloonError) -> HostSnapshot {
        let facts = try xen.domains()
        let nodes = try xen.nodes()
        let alive = Set(facts.map(Self.key))
        layouts = layouts.filter { alive.contains($0.key) }
        var domains: [HostDomain] = []
        for facts in facts where chosen?.contains(facts.id) ?? true {
            domains.append(try domain(facts, nodeCount: nodes.count))
        }
        return HostSnapshot(
            machine: try xen.machine(), nodes: nodes, domains: domains, reservations: try Ledger(store).all())
    }

    private static func key(_ facts: DomainFacts) -> String { "\(facts.id) \(facts.uuid)" }

    /// One domain as it is now.
    func domain(_ facts: DomainFacts, nodeCount: Int) throws(BalloonError) -> HostDomain {
        let home = HostRows.domain(facts.id)
        var domain = HostDomain(facts: facts, name: GuestText.name(try value(home + "/name")))
        if domain.name == "?" && facts.id == 0 { domain.name = "Domain-0" }
        domain.isIntroduced = facts.id == 0
        if !domain.isIntroduced { domain.isIntroduced = try value(HostRows.domid(facts.id)) != nil }
        guard domain.isIntroduced && facts.id != 0 else { return domain }
        domain.staticMax = GuestText.kib(try value(home + "/memory/static-max"))
        domain.video =
            GuestText.kib(try value(home + "/memory/videoram")).flatMap { $0 < .gib(1 << 10) ? $0 : nil } ?? .zero
        domain.legacyTarget = GuestText.kib(try value(HostRows.legacyTarget(facts.id)))
        domain.feature = GuestText.feature(try value(HostRows.feature(facts.id)))
        domain.hasOldBalloon = try value(home + "/control/feature-balloon") == Array("1".utf8)
        let kept = try kept(facts)
        domain.keptTarget = kept.target
        domain.isYielded = kept.isYielded
        domain.foreignTarget = kept.foreign
        domain.constant = kept.constant
        try readVNodes(&domain, nodeCount)
        try readLimits(&domain, kept)
        return domain
    }

    private func readVNodes(_ domain: inout HostDomain, _ nodeCount: Int) throws(BalloonError) {
        let layout = try layout(domain.facts)
        domain.hasVNUMA = layout.sizes != nil
        let sizes = layout.sizes ?? domain.staticMax.map { [$0] } ?? []
        for (number, size) in sizes.enumerated() {
            var vnode = HostVNode(number: number, size: size)
            if domain.facts.kind != .pv {
                vnode.pnode = nodeCount == 1 ? 0 : layout.pnodes.flatMap { number < $0.count ? $0[number] : nil }
                if let pnode = vnode.pnode, pnode >= nodeCount { vnode.pnode = nil }
            }
            if domain.feature != .absent { try readRows(&vnode, domain.id) }
            domain.vnodes.append(vnode)
        }
    }

    /// The rows of one vnode.
    private func readRows(_ vnode: inout HostVNode, _ id: UInt16) throws(BalloonError) {
        let directory = HostRows.vnode(id, vnode.number)
        var reports: [[UInt8]?] = []
        for name in HostRows.reports {
            let row = try value("\(directory)/\(name)")
            reports.append(row)
            if row == nil { vnode.missingRows.append(name) }
        }
        vnode.target = GuestText.kib(try value(HostRows.target(id, vnode.number)))
        vnode.acknowledged = GuestText.kib(reports[0])
        // No balloon is larger than its vnode.
        vnode.balloon = GuestText.kib(reports[1]).flatMap { $0 <= vnode.size ? $0 : nil }
        vnode.state = GuestText.word(reports[2], as: HostVNode.State.self)
        vnode.reason = GuestText.word(reports[3], as: HeldReason.self)
        vnode.grain = GuestText.grain(reports[4])
        vnode.short = min(GuestText.kib(reports[5]) ?? .zero, vnode.size)
    }

    private func layout(_ facts: DomainFacts) throws(BalloonError) -> Layout {
        let key = Self.key(facts)
        if let known = layouts[key] { return known }
        var layout = Layout()
        do throws(BalloonError) { layout.sizes = try xen.vnodeSizes(facts.id) } catch {
            // The domain is gone meanwhile, or a policy forbids the question: it cannot be planned with.
            return layout
        }
        layout.pnodes = layout.sizes == nil ? nil : pnodesOf(facts.id, facts.uuid)
        // libxl writes down where the vnodes lie only when it has built all of the domain: until then it is asked again.
        if layout.sizes == nil || layout.pnodes != nil { layouts[key] = layout }
        return layout
    }

    // MARK: What is kept

    struct Kept {
        /// Something is kept, of this very domain.
        var isOwn = false
        var target: String?
        var isYielded = false
        var foreign: KiB?
        var constant: KiB?
        var limits = HostLimits()
    }

    /// What is kept of a domain: only of this one, and not of another that had its number.
    private func kept(_ facts: DomainFacts) throws(BalloonError) -> Kept {
        var kept = Kept()
        guard try value(HostRows.kept(facts.id, "uuid")) == Array(facts.uuid.utf8) else { return kept }
        kept.isOwn = true
        kept.target = try value(HostRows.kept(facts.id, "target")).map { String(decoding: $0, as: UTF8.self) }
        kept.isYielded = try value(HostRows.kept(facts.id, "yielded")) != nil
        kept.foreign = GuestText.kib(try value(HostRows.kept(facts.id, "foreign")))
        kept.constant = GuestText.kib(try value(HostRows.kept(facts.id, "constant")))
        kept.limits.whole.minimum = GuestText.kib(try value(HostRows.kept(facts.id, "min")))
        kept.limits.whole.maximum = GuestText.kib(try value(HostRows.kept(facts.id, "max")))
        return kept
    }

    private func readLimits(_ domain: inout HostDomain, _ kept: Kept) throws(BalloonError) {
        let id = domain.id
        domain.ownLimits = kept.limits
        for vnode in domain.vnodes where kept.isOwn {
            let bounds = HostLimits.Bounds(
                minimum: GuestText.kib(try value(HostRows.keptVNode(id, vnode.number, "min"))),
                maximum: GuestText.kib(try value(HostRows.keptVNode(id, vnode.number, "max"))))
            if bounds != HostLimits.Bounds() { domain.ownLimits.vnodes[vnode.number] = bounds }
        }
        domain.savedLimits = savedLimits(domain.facts.uuid)
        let home = HostRows.domain(id) + "/memory"
        let dynamic = HostLimits.Bounds(
            minimum: GuestText.kib(try value(home + "/dynamic-min")),
            maximum: GuestText.kib(try value(home + "/dynamic-max")))
        Limits.set(&domain, [domain.ownLimits, domain.savedLimits.limits, HostLimits(dynamic)])
    }

    func value(_ path: String) throws(BalloonError) -> [UInt8]? { try store.read(path, in: nil) }
}
