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

    private static func notFree(
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

    // MARK: Guests without our daemon

    /// What an administrator may ask of a guest that has nothing which stops before the OOM killer comes: it came at 112 MiB.
    static let oldFloorKiB: UInt64 = 128 << 10

    /// memory/target of a guest that follows nothing else. Its maximum is raised before it grows.
    /// - Returns: how many pages fewer it will have (negative: more).
    /// - Throws: `.usage` below its floor, or above static-max.
    @discardableResult
    public func setOldMemory(_ domain: HostDomain, kib: UInt64) throws(BalloonError) -> Int64 {
        guard let before = domain.legacyTargetKiB, let most = domain.staticMaxKiB else {
            throw BalloonError(.busy, "domain \(domain.id) (\(domain.name)) has no memory/target")
        }
        let floor = max(Self.oldFloorKiB, most / 4)
        guard kib >= floor, kib <= most else {
            throw BalloonError(
                .usage,
                "\(Size.text(kib: kib)) is not between \(Size.text(kib: floor)), where guests without our daemon are still"
                    + " safe, and \(Size.text(kib: most)), which is all that it has")
        }
        let needed = kib + 1024 + domain.videoKiB
        if kib > before && domain.facts.maxPages * 4 < needed { try xen.setMax(domain.id, kib: needed) }
        try inDomain(domain.id) { (transaction) throws(BalloonError) in
            try self.write(HostRows.legacyTarget(domain.id), "\(kib)", transaction)
        }
        return (Int64(before) - Int64(kib)) / 4
    }
}
