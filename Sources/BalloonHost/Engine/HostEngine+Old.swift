// Guests without our daemon, which follow only memory/target.
extension HostEngine {
    /// The least memory that an administrator may leave such a guest. Nothing in it stops before the OOM killer runs;
    /// in a test it ran at 112 MiB.
    static let oldFloor: KiB = .mib(128)

    /// Sets memory/target of a guest that follows nothing else. Its maximum is raised before it grows; ``lowerMax(_:)``
    /// is called once it has shrunk.
    /// - Returns: how many pages fewer it will have (negative: more).
    /// - Throws: `.usage` below its floor or above static-max; `.busy` where it would get more than is usable.
    @discardableResult
    public func setOldMemory(
        _ domain: HostDomain, kib: KiB, _ snapshot: HostSnapshot
    ) throws(BalloonError) -> Int64 {
        guard let before = domain.legacyTarget, let most = domain.staticMax else {
            throw BalloonError(.busy, "domain \(domain.id) (\(domain.name)) has no memory/target")
        }
        let floor = max(Self.oldFloor, most / 4)
        guard kib >= floor, kib <= most else {
            throw BalloonError(
                .usage,
                "\(Size.text(kib)) is not between \(Size.text(floor)), where guests without our daemon are still"
                    + " safe, and \(Size.text(most)), which is all that it has")
        }
        // The memory may come from any node.
        let usable = snapshot.free.less(snapshot.nodes.reduce(PhysicalNode.hostFloor) { $0 + $1.spoken })
        guard kib <= before || kib - before <= usable else {
            throw Self.notFree("the host", kib - before, usable, snapshot.free, snapshot)
        }
        try raiseMax(whole: domain, kib)
        try inDomain(domain) { (transaction) throws(BalloonError) in
            try self.writeLegacyTarget(domain, kib, after: before, transaction)
        }
        return before > kib ? Int64((before - kib).wholeFrames.count) : -Int64((kib - before).wholeFrames.count)
    }

    /// Writes a plan's balloon for a whole domain as the matching memory/target.
    func writeWhole(_ domain: HostDomain, _ balloon: KiB, _ transaction: Transaction) throws(BalloonError) {
        guard let before = domain.legacyTarget, domain.staticMax != nil else { return }
        try writeLegacyTarget(domain, domain.wholeTarget(balloon), after: before, transaction)
    }

    /// Raises Xen's maximum of a domain that is to grow to this memory/target.
    func raiseMax(whole domain: HostDomain, _ kib: KiB) throws(BalloonError) {
        guard let before = domain.legacyTarget, domain.staticMax != nil else { return }
        let needed = kib + .mib(1) + domain.video
        if kib > before && domain.facts.maxPages.kib < needed { try setMax(domain, needed) }
    }

    /// Writes memory/target unless another program changed it meanwhile.
    private func writeLegacyTarget(
        _ domain: HostDomain, _ kib: KiB, after before: KiB, _ transaction: Transaction
    ) throws(BalloonError) {
        let found = try store.read(HostRows.legacyTarget(domain.id), in: transaction)
        guard found.flatMap(decimalNumber) == before.count else { return }
        try write(HostRows.legacyTarget(domain.id), "\(kib)", transaction)
    }

    /// Lowers Xen's maximum after a guest that follows only memory/target has shrunk, as xl mem-set does. So it cannot
    /// take memory back by itself.
    public func lowerMax(_ domain: HostDomain) throws(BalloonError) {
        guard let target = domain.legacyTarget else { return }
        let needed = max(target + .mib(1) + domain.video, domain.memory)
        if domain.facts.maxPages.kib > needed { try setMax(domain, needed) }
    }
}
