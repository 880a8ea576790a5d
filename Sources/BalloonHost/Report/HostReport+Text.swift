public import BalloonCore

/// A line of the domains' table.
public struct HostRow: Sendable {
    var domain: HostDomain
    /// nil: no daemon in it tells of vnodes.
    var vnode: HostVNode?

    var pnode: ListingCell {
        if let pnode = vnode?.pnode { return .number(pnode) }
        return vnode != nil && domain.facts.kind == .pv ? .word("any") : .unknown
    }

    var memory: ListingCell {
        guard let vnode else { return .size(kib: domain.memoryKiB) }
        return .size(vnode.balloonKiB.map { vnode.sizeKiB - $0 }, else: .unknown)
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

/// A line of the physical nodes' table.
public struct HostNodeRow: Sendable {
    var pnode: Int
    var freeKiB: UInt64
    var reservedKiB: UInt64
    var balloonsKiB: UInt64
    var slackKiB: UInt64
    var vnodes: Int
}

extension HostReport {
    public static let domainColumns: [ListingColumn<HostRow>] = [
        .init("DOMAIN") { .number(Int($0.domain.id)) },
        .init("NAME", isWord: true) { .word($0.domain.name) },
        .init("TYPE", isWord: true) { .word($0.domain.facts.kind.rawValue) },
        .init("VNODE") { .number($0.vnode?.number) },
        .init("PNODE") { $0.pnode },
        .init("SIZE") { .size($0.vnode?.sizeKiB ?? $0.domain.staticMaxKiB) },
        .init("MEMORY") { $0.memory },
        .init("BALLOON") { row in row.vnode.map { .size($0.balloonKiB, else: .unknown) } ?? .none },
        .init("TARGET") { row in .size(row.vnode == nil ? row.domain.legacyTargetKiB : row.vnode?.targetKiB) },
        .init("MIN") { .size($0.vnode?.minKiB) },
        .init("MAX") { .size($0.vnode?.maxKiB) },
        .init("STATE", isWord: true) { $0.state },
        .init("REASON", isWord: true) { $0.reason },
    ]

    public static let nodeColumns: [ListingColumn<HostNodeRow>] = [
        .init("PNODE") { .number($0.pnode) },
        .init("FREE") { .size(kib: $0.freeKiB) },
        .init("RESERVED") { .size(kib: $0.reservedKiB) },
        .init("BALLOONS") { .size(kib: $0.balloonsKiB) },
        .init("FREEABLE") { .size(kib: $0.slackKiB) },
        .init("VNODES") { .number($0.vnodes) },
    ]

    /// The one table that columns which somebody chose are of; nil: they are of none.
    public enum Table {
        case domains(Listing<HostRow>)
        case nodes(Listing<HostNodeRow>)
    }

    public static func table(_ style: ListingStyle) -> Table? {
        if let domains = Listing(domainColumns, style) { return .domains(domains) }
        return Listing(nodeColumns, style).map { .nodes($0) }
    }

    /// What people read: both tables and the remarks. Or the one table that a program wants.
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
                pnode: node.number, freeKiB: node.freeKiB, reservedKiB: node.reservedKiB, balloonsKiB: balloons,
                slackKiB: slack, vnodes: vnodes)
        }
    }

    private func size(_ kib: UInt64) -> String { kib == 0 ? "0" : Size.text(kib: kib) }

    /// Where each domain's memory lies, as Xen counted it.
    static func walkColumns(_ walk: NodeWalk, _ pnodes: [Int]) -> [ListingColumn<HostDomain>] {
        [
            .init("DOMAIN") { .number(Int($0.id)) },
            .init("NAME", isWord: true) { .word($0.name) },
        ]
            + pnodes.map { pnode in
                .init("PNODE\(pnode)") { domain in
                    .size(walk.pages[domain.id].map { ($0[pnode] ?? 0) * 4 }, else: .unknown)
                }
            }
    }

    /// A table of that, and what it cost.
    private func walkText(_ style: ListingStyle) -> [String] {
        guard let walk, let table = Listing(Self.walkColumns(walk, snapshot.nodes.map(\.number)), style) else {
            return []
        }
        let cost = walk.nanoseconds / 1000
        return [table.text(domains), "Xen counted for \(cost / 1000).\(cost % 1000 / 100) ms"]
    }

    /// What an administrator should know of.
    public var remarks: [String] {
        var remarks: [String] = []
        for domain in domains {
            let name = "\(domain.id) \(domain.name)"
            if let (claims, xen) = domain.contradiction {
                remarks.append("\(name): claims \(size(claims)), Xen says \(size(xen))")
            }
            if let foreign = domain.foreignTargetKiB {
                remarks.append("\(name): somebody else wrote memory/target = \(foreign) KiB; it was put back")
            } else if let kept = domain.keptTarget, let now = domain.legacyTargetKiB, "\(now)" != kept {
                remarks.append(
                    "\(name): memory/target was \(kept) KiB and is \(now): somebody else sets this domain's memory")
            }
            remarks += domain.savedLimits.faults.map { "\(name): of its saved limits a line does not count: \($0)" }
            if domain.isManaged && domain.hasVNUMA && domain.legacyTargetKiB != nil {
                remarks.append("\(name): memory/target is there; Linux's own balloon follows it as well")
            }
        }
        if snapshot.claimedKiB > 0 {
            remarks.append("\(size(snapshot.claimedKiB)) of the host are claimed by domains that are being built")
        }
        return remarks
    }
}
