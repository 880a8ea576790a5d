// Targets are remembered by UUID: after a reboot, a restore or a migration the domain has another number, and none of its rows.
extension HostEngine {
    /// Seconds for which the targets of a domain that is gone are remembered.
    static let memorySeconds: UInt64 = 3600

    private static func isName(_ uuid: String) -> Bool { uuid.contains { $0 != "0" && $0 != "-" } }

    func remember(_ domain: HostDomain, _ vnode: Int, _ kib: KiB, _ transaction: Transaction) throws(BalloonError) {
        guard Self.isName(domain.facts.uuid) else { return }
        try write(HostRows.remembered(domain.facts.uuid, "\(vnode)"), "\(kib)", transaction)
    }

    /// The target that a vnode had before its domain started again. A smaller balloon does not count: other domains may
    /// have the memory meanwhile.
    func remembered(
        _ domain: HostDomain, _ vnode: HostVNode, _ transaction: Transaction
    ) throws(BalloonError) -> KiB? {
        guard Self.isName(domain.facts.uuid), let now = vnode.balloon else { return nil }
        let path = HostRows.remembered(domain.facts.uuid, "\(vnode.number)")
        guard let kib = GuestText.kib(try store.read(path, in: transaction)), kib > now,
            kib <= vnode.size.less(vnode.minimum)
        else { return nil }
        return kib
    }

    /// The domain is back: its targets are kept while it lives, and the time begins anew after that.
    func keepRemembering(_ domain: HostDomain, _ transaction: Transaction) throws(BalloonError) {
        try store.remove(HostRows.remembered(domain.facts.uuid, "until"), in: transaction)
    }

    /// Forgets the targets of domains that did not come back.
    /// - Parameter now: seconds of the wall clock.
    public func forgetTargets(_ snapshot: HostSnapshot, now: UInt64) throws(BalloonError) {
        let alive = Set(snapshot.domains.map(\.facts.uuid))
        for uuid in try store.children(HostRows.remembered, in: nil) ?? [] where !alive.contains(uuid) {
            let path = HostRows.remembered(uuid, "until")
            if let until = try store.read(path, in: nil).flatMap(decimalNumber), until <= now + Self.memorySeconds {
                if until <= now { try store.remove(HostRows.remembered + "/" + uuid, in: nil) }
            } else {
                try write(path, "\(now + Self.memorySeconds)", nil)
            }
        }
    }
}
