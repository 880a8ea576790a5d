/// What happens to memory/target while the vnodes' targets are followed.
public enum LegacyMode: String, CaseIterable, Sendable {
    /// Removed for domains with virtual NUMA, which xl can neither save nor migrate; kept for all others.
    case auto
    /// Removed for every domain that follows the interface, exactly as the proposal says.
    case remove
    case keep

    /// Whether it must be removed.
    public func isAway(_ domain: HostDomain) -> Bool {
        switch self {
        case .auto: domain.hasVNUMA
        case .remove: true
        case .keep: false
        }
    }
}

extension HostEngine {
    /// Removes memory/target and keeps its text. The transaction also reads the feature, so a guest that has just
    /// stopped following the interface keeps memory/target.
    /// - Returns: whether it was removed.
    @discardableResult
    public func take(_ domain: HostDomain) throws(BalloonError) -> Bool {
        var isTaken = false
        let id = domain.id
        let isThere = try inDomain(domain) { (transaction) throws(BalloonError) in
            isTaken = false
            try self.own(domain, transaction)
            try self.store.remove(HostRows.kept(id, "yielded"), in: transaction)
            guard let text = try self.store.read(HostRows.legacyTarget(id), in: transaction),
                try self.store.read(HostRows.feature(id), in: transaction) == Array("1".utf8)
            else { return }
            try self.write(HostRows.kept(id, "target"), String(decoding: text, as: UTF8.self), transaction)
            try self.store.remove(HostRows.legacyTarget(id), in: transaction)
            isTaken = true
        }
        return isThere && isTaken
    }

    /// Puts memory/target back, byte for byte.
    /// - Parameter stays: the daemon will not remove it again before `host take`.
    /// - Returns: whether it was put back.
    @discardableResult
    public func yield(_ domain: HostDomain, stays: Bool) throws(BalloonError) -> Bool {
        var isBack = false
        let id = domain.id
        let isThere = try inDomain(domain) { (transaction) throws(BalloonError) in
            isBack = false
            try self.own(domain, transaction)
            if stays { try self.write(HostRows.kept(id, "yielded"), "1", transaction) }
            guard let text = try self.store.read(HostRows.kept(id, "target"), in: transaction) else { return }
            // From now on memory/target belongs again to the toolstack that wrote it.
            try self.store.remove(HostRows.kept(id, "target"), in: transaction)
            guard try self.store.read(HostRows.legacyTarget(id), in: transaction) == nil else { return }
            try self.write(HostRows.legacyTarget(id), String(decoding: text, as: UTF8.self), transaction)
            isBack = true
        }
        return isThere && isBack
    }

    /// Ends the use of the interface for a domain whose balloons are empty.
    public func empty(feature domain: HostDomain) throws(BalloonError) {
        try inDomain(domain) { (transaction) throws(BalloonError) in
            guard try self.store.read(HostRows.feature(domain.id), in: transaction) != nil else { return }
            try self.write(HostRows.feature(domain.id), "", transaction)
        }
    }

    /// Sets limits of the domain or of one of its vnodes. nil leaves a limit as it is.
    public func setLimits(
        _ domain: HostDomain, vnode: Int?, minimum: KiB?, maximum: KiB?
    ) throws(BalloonError) {
        try inDomain(domain) { (transaction) throws(BalloonError) in
            try self.own(domain, transaction)
            for (name, kib) in [("min", minimum), ("max", maximum)] {
                guard let kib else { continue }
                let path =
                    vnode.map { HostRows.keptVNode(domain.id, $0, name) } ?? HostRows.kept(domain.id, name)
                try self.write(path, "\(kib)", transaction)
            }
        }
    }

    /// Saves the limits that an administrator set for the domain, over those saved before. They apply to every later
    /// domain with this UUID.
    /// - Throws: `.usage` where no limit was set; `.environment`.
    public static func saveLimits(
        _ domain: HostDomain, in directory: String = SavedLimits.standardDirectory
    ) throws(BalloonError) {
        let limits = domain.ownLimits.over(domain.savedLimits.limits)
        guard !limits.isEmpty else {
            throw BalloonError(
                .usage, "no limits were set of domain \(domain.id) (\(domain.name)): say which with --min or --max")
        }
        guard domain.savedLimits.faults.isEmpty else {
            throw BalloonError(.invalidConfiguration, domain.savedLimits.faults.joined(separator: "\n"))
        }
        try SavedLimits.write(limits, domain.facts.uuid, name: domain.name, in: directory)
    }
}
