/// A row of the domains' table.
public struct HostRow: Sendable {
    var domain: HostDomain
    /// nil: no daemon in the domain reports vnodes.
    var vnode: HostVNode?

    var pnode: ListingCell {
        if let pnode = vnode?.pnode { return .number(pnode) }
        return vnode != nil && domain.facts.kind == .pv ? .word("any") : .unknown
    }

    var memory: ListingCell {
        guard let vnode else { return .size(domain.memory) }
        return .size(vnode.balloon.map { vnode.size - $0 }, else: .unknown)
    }

    var state: ListingCell {
        if let vnode { return vnode.state.map { .word($0.rawValue) } ?? .unknown }
        switch domain.exclusion {
        case .toolstack: return .word("toolstack")
        case .beingBuilt: return .word("being-built")
        case .dying: return .word("dying")
        case .shutdown: return .word("shutdown")
        case .paused: return .word("paused")
        default: return .word("unmanaged")
        }
    }

    var reason: ListingCell {
        if let reason = vnode?.reason { return .word(reason.rawValue) }
        return domain.contradiction == nil ? .none : .word("contradiction")
    }
}

/// A row of the physical nodes' table.
public struct HostNodeRow: Sendable {
    var pnode: Int
    var free: KiB
    var reserved: KiB
    var balloons: KiB
    var slack: KiB
    var vnodes: Int
}

extension HostReport {
    public static let domainColumns: [ListingColumn<HostRow>] = [
        .init("DOMAIN") { .number(Int($0.domain.id)) },
        .init("NAME", isWord: true) { .word($0.domain.name) },
        .init("TYPE", isWord: true) { .word($0.domain.facts.kind.rawValue) },
        .init("VNODE") { .number($0.vnode?.number) },
        .init("PNODE") { $0.pnode },
        .init("SIZE") { .size($0.vnode?.size ?? $0.domain.staticMax) },
        .init("MEMORY") { $0.memory },
        .init("BALLOON") { row in row.vnode.map { .size($0.balloon, else: .unknown) } ?? .none },
        .init("TARGET") { row in .size(row.vnode == nil ? row.domain.legacyTarget : row.vnode?.target) },
        .init("MIN") { .size($0.vnode?.minimum) },
        .init("MAX") { .size($0.vnode?.maximum) },
        .init("STATE", isWord: true) { $0.state },
        .init("REASON", isWord: true) { $0.reason },
    ]

    public static let nodeColumns: [ListingColumn<HostNodeRow>] = [
        .init("PNODE") { .number($0.pnode) },
        .init("FREE") { .size($0.free) },
        .init("RESERVED") { .size($0.reserved) },
        .init("BALLOONS") { .size($0.balloons) },
        .init("FREEABLE") { .size($0.slack) },
        .init("VNODES") { .number($0.vnodes) },
    ]

    /// The table that has the chosen columns; nil: no table has all of them.
    public enum Table {
        case domains(Listing<HostRow>)
        case nodes(Listing<HostNodeRow>)
    }

    public static func table(_ style: ListingStyle) -> Table? {
        if let domains = Listing(domainColumns, style) { return .domains(domains) }
        return Listing(nodeColumns, style).map { .nodes($0) }
    }

    /// The text for people: both tables and the remarks; or the one table that a program wants.
    public func text(_ style: ListingStyle = ListingStyle()) -> String {
        var parts: [String] = []
        if let table = Self.table(style) { parts.append(text(table)) }
        if style.isForPrograms { return parts.joined() }
        if chosen == nil, let nodes = Listing(Self.nodeColumns, style) { parts.append(text(.nodes(nodes))) }
        return (parts + walkText(style) + remarks.map { "! " + $0 }).joined(separator: "\n")
    }

    private func text(_ table: Table) -> String {
        switch table {
        case .domains(let listing): return listing.text(domainRows)
        case .nodes(let listing): return listing.text(nodeRows)
        }
    }

    private var domainRows: [HostRow] {
        domains.flatMap { domain in
            domain.isManaged && !domain.isToolstack
                ? domain.vnodes.map { HostRow(domain: domain, vnode: $0) } : [HostRow(domain: domain)]
        }
    }

    private var nodeRows: [HostNodeRow] {
        snapshot.nodes.map { node in
            let (balloons, slack, vnodes) = balloons(node.number)
            return HostNodeRow(
                pnode: node.number, free: node.free, reserved: node.reserved, balloons: balloons,
                slack: slack, vnodes: vnodes)
        }
    }

    private func size(_ kib: KiB) -> String { kib == .zero ? "0" : Size.text(kib) }

    /// The columns of the table that shows where each domain's memory lies, as Xen counted it.
    static func walkColumns(_ walk: NodeWalk, _ pnodes: [Int]) -> [ListingColumn<HostDomain>] {
        [
            .init("DOMAIN") { .number(Int($0.id)) },
            .init("NAME", isWord: true) { .word($0.name) },
        ]
            + pnodes.map { pnode in
                .init("PNODE\(pnode)") { domain in
                    .size(walk.pages[domain.id].map { ($0[pnode] ?? .zero).kib }, else: .unknown)
                }
            }
    }

    /// That table, and how long the count took.
    private func walkText(_ style: ListingStyle) -> [String] {
        guard let walk, let table = Listing(Self.walkColumns(walk, snapshot.nodes.map(\.number)), style) else {
            return []
        }
        let cost = walk.cost.wholeMicroseconds
        return [table.text(domains), "Xen counted for \(cost / 1000).\(cost % 1000 / 100) ms"]
    }

    /// Remarks that an administrator should read.
    public var remarks: [String] {
        var remarks: [String] = []
        for domain in domains {
            let name = "\(domain.id) \(domain.name)"
            if let (claims, xen) = domain.contradiction {
                remarks.append("\(name): claims \(size(claims)), Xen says \(size(xen))")
            }
            if let foreign = domain.foreignTarget {
                remarks.append("\(name): another program wrote memory/target = \(foreign) KiB; it was put back")
            } else if let kept = domain.keptTarget, let now = domain.legacyTarget, "\(now)" != kept {
                remarks.append(
                    "\(name): memory/target was \(kept) KiB and is \(now): another program sets this domain's memory")
            }
            remarks += domain.savedLimits.faults.map { "\(name): of its saved limits a line does not count: \($0)" }
            if domain.isManaged && domain.hasVNUMA && domain.legacyTarget != nil {
                remarks.append("\(name): memory/target is there; Linux's own balloon follows it as well")
            }
        }
        if snapshot.claimed > .zero {
            remarks.append("\(size(snapshot.claimed)) of the host are claimed by domains that are being built")
        }
        return remarks
    }
}
