extension HostEngine {
    /// Carries out one decision of the keeper.
    /// - Returns: a line for the journal; nil: nothing to log.
    public func perform(_ deed: HostKeeper.Deed, _ snapshot: HostSnapshot) throws(BalloonError) -> HostMessage? {
        func domain(_ id: UInt16) -> HostDomain? { snapshot.domains.first { $0.id == id } }
        switch deed {
        case .forgetGone:
            let gone = try forgetGone(snapshot)
            return gone.isEmpty ? nil : HostMessage(gone: gone)
        case .level(let id, let targets):
            if let domain = domain(id) { try setTargets(domain, targets) }
            return nil
        case .enforce(let id):
            guard let domain = domain(id), Self.isMisbound(domain) else { return nil }
            let kib = Self.bound(domain)
            guard try setMax(domain, kib) else { return nil }
            return HostMessage(domain, "Xen's maximum is \(Size.text(kib)) now", .maximum)
        case .prepare(let id):
            guard let domain = domain(id) else { return nil }
            let rows = try prepare(domain)
            return rows == 0 ? nil : HostMessage(domain, "\(rows) rows made", .prepared)
        case .adopt(let id):
            guard let domain = domain(id) else { return nil }
            let vnodes = try adopt(domain, snapshot)
            guard !vnodes.isEmpty else { return nil }
            let sizes = domain.vnodes.compactMap { $0.balloon.map { "\($0)" } }.joined(separator: " ")
            var targets = ""
            for vnode in vnodes {
                targets += GuestText.kib(try store.read(HostRows.target(id, vnode), in: nil)).map { " \($0)" } ?? " ?"
            }
            return HostMessage(domain, "its balloons are \(sizes) KiB, its targets\(targets)", .adopted)
        case .take(let id):
            guard let domain = domain(id), try take(domain) else { return nil }
            return HostMessage(domain, "memory/target is away", .legacyTarget)
        case .yield(let id):
            guard let domain = domain(id), try self.yield(domain, stays: false) else { return nil }
            return HostMessage(domain, "memory/target is back", .legacyTarget)
        case .note(let id):
            if let domain = domain(id) { try note(domain) }
            return nil
        case .revert(let id, let kib):
            guard let domain = domain(id) else { return nil }
            try revert(domain, foreign: kib)
            let text = "another program wrote memory/target = \(kib) KiB; it is \(domain.keptTarget ?? "?") KiB again"
            return HostMessage(domain, text, .foreignTarget)
        case .tell(let id, let kib):
            guard let domain = domain(id) else { return nil }
            return HostMessage(domain, "another program wrote memory/target = \(kib) KiB", .foreignTarget)
        }
    }

    /// Whether the guest has published all that is needed to set its first targets.
    static func isAdoptable(_ domain: HostDomain) -> Bool {
        guard domain.isManaged, !domain.vnodes.isEmpty else { return false }
        let isNew = domain.vnodes.contains { $0.target == nil }
        let isKnown = domain.vnodes.allSatisfy { $0.balloon != nil && $0.missingRows.isEmpty }
        return isKnown && (isNew || (domain.constant == nil && constant(domain) != nil))
    }

    /// Notes the text of memory/target, which stays where it is.
    func note(_ domain: HostDomain) throws(BalloonError) {
        try inDomain(domain) { (transaction) throws(BalloonError) in
            try self.own(domain, transaction)
            guard let text = try self.store.read(HostRows.legacyTarget(domain.id), in: transaction) else { return }
            let kept = String(decoding: text, as: UTF8.self)
            try self.write(HostRows.kept(domain.id, "target"), kept, transaction)
        }
    }

    /// Writes the noted memory/target back, and restores Xen's maximum, which `xl mem-set` lowers, too.
    func revert(_ domain: HostDomain, foreign: KiB) throws(BalloonError) {
        guard let kept = domain.keptTarget, let kib = decimalNumber(Array(kept.utf8)).map({ KiB($0) }),
            kib <= Seat.largest
        else {
            return
        }
        let memory = domain.vnodes.reduce(KiB.zero) { $0 + $1.size - min($1.target ?? .zero, $1.size) }
        try setMax(domain, max(kib, memory) + .mib(1) + domain.video)
        try inDomain(domain) { (transaction) throws(BalloonError) in
            try self.write(HostRows.legacyTarget(domain.id), kept, transaction)
            try self.write(HostRows.kept(domain.id, "foreign"), "\(foreign)", transaction)
        }
    }

    /// Puts memory/target back everywhere, before xendomains or another program makes a list of domains by it.
    /// - Returns: the domains where it was put back.
    public func yieldAll(_ snapshot: HostSnapshot, stays: Bool) throws(BalloonError) -> [HostDomain] {
        var back: [HostDomain] = []
        for domain in snapshot.domains where !domain.isToolstack && domain.isIntroduced {
            if try self.yield(domain, stays: stays) { back.append(domain) }
        }
        return back
    }
}
