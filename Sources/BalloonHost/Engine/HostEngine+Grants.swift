extension HostEngine {
    /// Whether targets leave the domain what it keeps, and take no memory that is not there.
    /// - Throws: `.usage` below its minimum; `.busy` where smaller balloons want more than is usable.
    public func checkGrant(
        _ domain: HostDomain, _ targets: [Int: KiB], _ snapshot: HostSnapshot
    ) throws(BalloonError) {
        for vnode in domain.vnodes {
            guard let target = targets[vnode.number] else { continue }
            let most = vnode.size - vnode.minimum
            guard target <= max(most, vnode.promised) else {
                throw BalloonError(
                    .usage,
                    "vnode \(vnode.number) would keep \(Size.text(vnode.size - target)), less than its minimum of"
                        + " \(Size.text(vnode.minimum)); `balloonctl host limits` changes that")
            }
            guard vnode.balloon != nil else {
                throw BalloonError(
                    .busy, "domain \(domain.id) (\(domain.name)), vnode \(vnode.number): its size is not known")
            }
        }
        // Memory that the domain is taking already is spoken for.
        func more(_ pnode: Int) -> KiB { domain.taking(of: pnode, targets).less(domain.taking(of: pnode)) }
        // First the vnodes whose physical node is not known.
        var all = more(-1)
        for pnode in snapshot.nodes.indices where domain.vnodes.contains(where: { $0.pnode == pnode }) {
            let kib = more(pnode)
            all += kib
            let usable = snapshot.usable(pnode)
            guard kib <= usable else {
                throw Self.notFree("physical node \(pnode)", kib, usable, snapshot.nodes[pnode].free, snapshot)
            }
        }
        let usable = snapshot.free.less(snapshot.nodes.reduce(PhysicalNode.hostFloor) { $0 + $1.spoken })
        guard all <= usable else { throw Self.notFree("the host", all, usable, snapshot.free, snapshot) }
    }

    static func notFree(
        _ place: String, _ wanted: KiB, _ usable: KiB, _ free: KiB, _ snapshot: HostSnapshot
    ) -> BalloonError {
        var text =
            "\(place): \(Size.text(wanted)) more are wanted, \(Size.text(free)) are free, and"
            + " \(Size.text(usable)) of that may be taken"
        if snapshot.machine.claimedPages > .zero {
            text += "; \(snapshot.machine.claimedPages) pages are claimed by a domain that is being built"
        }
        return BalloonError(.busy, text)
    }
}
