// Guests without our daemon: memory/target is all that they follow.
extension HostEngine {
    /// What an administrator may ask of a guest that has nothing which stops before the OOM killer comes: it came at 112 MiB.
    static let oldFloor: KiB = .mib(128)

    /// memory/target of a guest that follows nothing else. Its maximum is raised before it grows; ``lowerMax(_:)`` is for when it has
    /// shrunk.
    /// - Returns: how many pages fewer it will have (negative: more).
    /// - Throws: `.usage` below its floor, or above static-max; `.busy` where it is to have more than is usable.
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
        // It may lie on any node.
        let usable = snapshot.free.less(snapshot.nodes.reduce(PhysicalNode.hostFloor) { $0 + $1.spoken })
        guard kib <= before || kib - before <= usable else {
            throw Self.notFree("the host", kib - before, usable, snapshot.free, snapshot)
        }
        try writeLegacyTarget(domain, kib, after: before)
        return before > kib ? Int64((before - kib).wholeFrames.count) : -Int64((kib - before).wholeFrames.count)
    }

    /// A plan's balloon of a domain as a whole, as the change of memory/target that it is.
    /// - Returns: false when the domain is gone.
    func setWhole(_ domain: HostDomain, _ balloon: KiB) throws(BalloonError) -> Bool {
        guard let before = domain.legacyTarget, domain.staticMax != nil else { return true }
        return try writeLegacyTarget(domain, domain.wholeTarget(balloon), after: before)
    }

    /// What another program wrote meanwhile stays.
    @discardableResult
    private func writeLegacyTarget(
        _ domain: HostDomain, _ kib: KiB, after before: KiB
    ) throws(BalloonError) -> Bool {
        let needed = kib + .mib(1) + domain.video
        if kib > before && domain.facts.maxPages.kib < needed { try xen.setMax(domain.id, kib: needed) }
        return try inDomain(domain.id) { (transaction) throws(BalloonError) in
            let found = try self.store.read(HostRows.legacyTarget(domain.id), in: transaction)
            guard found.flatMap(decimalNumber) == before.count else { return }
            try self.write(HostRows.legacyTarget(domain.id), "\(kib)", transaction)
        }
    }

    /// A guest that follows memory/target alone has shrunk: it takes nothing back by itself, as after xl mem-set.
    public func lowerMax(_ domain: HostDomain) throws(BalloonError) {
        guard let target = domain.legacyTarget else { return }
        let needed = max(target + .mib(1) + domain.video, domain.memory)
        if domain.facts.maxPages.kib > needed { try xen.setMax(domain.id, kib: needed) }
    }
}
