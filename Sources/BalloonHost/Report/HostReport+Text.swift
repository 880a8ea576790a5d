internal import BalloonCore

extension HostReport {
    /// Cells of the table of domains: its head first.
    public var domainRows: [[String]] {
        var rows = [
            ["domain", "", "vnode", "pnode", "size", "memory", "balloon", "target", "min", "max", "state"]
        ]
        for domain in domains {
            if domain.isToolstack {
                rows.append(
                    ["\(domain.id)", domain.name, "-", "?", "", size(domain.memoryKiB), "", "", "", "", "not managed"])
            } else if domain.isManaged {
                rows += domain.vnodes.enumerated().map { managed(domain, $1, isFirst: $0 == 0) }
            } else {
                rows.append(unmanaged(domain))
            }
        }
        return rows
    }

    private func managed(_ domain: HostDomain, _ vnode: HostVNode, isFirst: Bool) -> [String] {
        let place = vnode.pnode.map { "\($0)" } ?? (domain.facts.kind == .pv ? "any" : "?")
        let doubt = domain.contradiction != nil ? " !" : ""
        return [
            isFirst ? "\(domain.id)" : "", isFirst ? domain.name + mark(domain) + doubt : "", "\(vnode.number)", place,
            size(vnode.sizeKiB), vnode.balloonKiB.map { size(vnode.sizeKiB - $0) } ?? "?",
            vnode.balloonKiB.map(size) ?? "?", vnode.targetKiB.map(size) ?? "-", size(vnode.minKiB), size(vnode.maxKiB),
            (vnode.state?.rawValue ?? "?") + (vnode.reason.map { " (\($0.rawValue))" } ?? ""),
        ]
    }

    private func unmanaged(_ domain: HostDomain) -> [String] {
        let target = domain.legacyTargetKiB.map { "memory/target \(size($0))" } ?? "no target"
        let why = domain.exclusion == .notFollowing ? target : domain.exclusion?.rawValue ?? target
        return [
            "\(domain.id)", domain.name + mark(domain), "-", "?", domain.staticMaxKiB.map(size) ?? "",
            size(domain.memoryKiB), "", "", "", "", why,
        ]
    }

    private func mark(_ domain: HostDomain) -> String { domain.facts.kind == .pv ? " (PV)" : "" }

    private func size(_ kib: UInt64) -> String { kib == 0 ? "0" : Size.text(kib: kib) }

    /// Cells of the table of physical nodes: its head first.
    public var nodeRows: [[String]] {
        [["pnode", "free", "reserved", "balloons", "can be freed", "vnodes"]]
            + snapshot.nodes.map { node in
                let (balloons, slack, vnodes) = balloons(node.number)
                return [
                    "\(node.number)", size(node.freeKiB), size(node.reservedKiB), size(balloons), size(slack),
                    "\(vnodes)",
                ]
            }
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
