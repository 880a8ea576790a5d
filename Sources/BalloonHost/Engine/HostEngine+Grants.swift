public import BalloonCore

extension HostEngine {
    /// Whether targets leave the domain what it keeps, and take no memory that is not there.
    /// - Throws: `.usage` below its minimum; `.busy` where smaller balloons want more than is free and nobody's.
    public func checkGrant(
        _ domain: HostDomain, _ targets: [Int: UInt64], _ snapshot: HostSnapshot
    ) throws(BalloonError) {
        for vnode in domain.vnodes {
            guard let target = targets[vnode.number] else { continue }
            let most = vnode.sizeKiB - vnode.minKiB
            guard target <= max(most, vnode.promisedKiB) else {
                throw BalloonError(
                    .usage,
                    "vnode \(vnode.number) would keep \(Size.text(kib: vnode.sizeKiB - target)), less than its minimum of"
                        + " \(Size.text(kib: vnode.minKiB)); `balloonctl host limits` changes that")
            }
            guard vnode.balloonKiB != nil else {
                throw BalloonError(
                    .busy, "domain \(domain.id) (\(domain.name)), vnode \(vnode.number): its size is not known")
            }
        }
        // What it takes already is spoken for.
        func more(_ pnode: Int) -> UInt64 { less(domain.takingKiB(of: pnode, targets), domain.takingKiB(of: pnode)) }
        // Of no node that is known, first.
        var all = more(-1)
        for pnode in snapshot.nodes.indices where domain.vnodes.contains(where: { $0.pnode == pnode }) {
            let kib = more(pnode)
            all += kib
            let usable = snapshot.usableKiB(pnode)
            guard kib <= usable else {
                throw Self.notFree("physical node \(pnode)", kib, usable, snapshot.nodes[pnode].freeKiB, snapshot)
            }
        }
        let usable = less(snapshot.freeKiB, snapshot.nodes.reduce(PhysicalNode.hostFloorKiB) { $0 + $1.spokenKiB })
        guard all <= usable else { throw Self.notFree("the host", all, usable, snapshot.freeKiB, snapshot) }
    }

    static func notFree(
        _ place: String, _ wanted: UInt64, _ usable: UInt64, _ free: UInt64, _ snapshot: HostSnapshot
    ) -> BalloonError {
        var text =
            "\(place): \(Size.text(kib: wanted)) more are wanted, \(Size.text(kib: free)) are free, and"
            + " \(Size.text(kib: usable)) of that are nobody's"
        if snapshot.machine.claimedPages > 0 {
            text += "; \(snapshot.machine.claimedPages) pages are claimed by a domain that is being built"
        }
        return BalloonError(.busy, text)
    }
}
