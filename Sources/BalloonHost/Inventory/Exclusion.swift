/// Why plans leave a domain or a vnode out at present.
public enum Exclusion: String, Sendable, CaseIterable {
    case toolstack = "Domain-0 is not managed"
    case beingBuilt = "it is being built"
    case dying = "it is dying"
    case shutdown = "it is shut down"
    case paused = "it is paused"
    case anywhere = "its memory lies on any physical node (PV)"
    case notFollowing = "no daemon in it follows the interface"
    case noNode = "nobody knows its physical node"
    case noTarget = "it has no target yet"
    case stopped = "its daemon is stopped"
    case forced = "an administrator of the guest forced a size"
    case moved = "its balloon is not as it should be"
    case migrating = "it is being migrated"
    case held = "its daemon says that it can give no more"
    case contradiction = "what it says and what Xen counts do not agree"
    case unknown = "the size of its balloon is not known"
    case limitsUnknown = "its saved limits cannot be read"
    case onItsWay = "it is not where its memory/target is"
}

extension HostDomain {
    /// nil: it takes part in plans for one physical node.
    public var exclusion: Exclusion? { exclusionAnywhere ?? (facts.kind == .pv ? .anywhere : nil) }

    /// nil: its vnodes take part in plans that may free memory on any physical node.
    public var exclusionAnywhere: Exclusion? {
        if let general { return general }
        if !isManaged { return .notFollowing }
        if vnodes.contains(where: { $0.reason == .migrating }) { return .migrating }
        if isDisbelieved { return .contradiction }
        return nil
    }

    private var general: Exclusion? {
        if isToolstack { return .toolstack }
        if facts.isDying { return .dying }
        if !isIntroduced { return .beingBuilt }
        if facts.isShutdown { return .shutdown }
        // The limits that an administrator set are not known, which is not the same as no limits.
        if !savedLimits.faults.isEmpty { return .limitsUnknown }
        return facts.isPaused ? .paused : nil
    }

    /// nil: Linux's own balloon can move the domain as a whole, because the domain follows only memory/target and has
    /// reached it.
    /// - Parameter isTold: an administrator says that guests follow memory/target, even if they do not announce that.
    public func oldExclusion(isTold: Bool) -> Exclusion? {
        if let general { return general }
        // With virtual NUMA, Linux's own balloon would mix memory of the nodes.
        guard !isManaged, !hasVNUMA, hasOldBalloon || isTold, let target = legacyTarget, let most = staticMax,
            target <= most
        else { return .notFollowing }
        return memory.difference(from: target) > Self.mostBeside + video ? .onItsWay : nil
    }

    /// The most memory (firmware and special pages) that a domain at rest has beyond its memory/target.
    static let mostBeside: KiB = .mib(4)

    /// The vnode number that stands for a whole domain in a plan, where the domain has no vnodes that follow targets.
    /// Its balloon is static-max minus memory/target.
    public static let whole = -1

    /// The domain as one seat of a plan.
    func wholeSeat() -> Seat? {
        guard let target = legacyTarget, let most = staticMax, target <= most else { return nil }
        return Seat(
            domain: id, vnode: Self.whole, size: most, minimum: minimum, maximum: maximum, balloon: most - target,
            grain: Frames.one.kib)
    }

    /// The memory/target that matches a balloon of the whole domain.
    public func wholeTarget(_ balloon: KiB) -> KiB { (staticMax ?? .zero).less(balloon) }

    /// A vnode as a seat of a plan. A domain whose sizes contradict Xen's count is excluded before.
    func seat(_ vnode: HostVNode) -> Seat {
        Seat(
            domain: id, vnode: vnode.number, size: vnode.size, minimum: vnode.minimum, maximum: vnode.maximum,
            balloon: vnode.promised, grain: vnode.grain, short: vnode.short)
    }
}

extension HostVNode {
    /// nil: it takes part in plans for its physical node.
    public var exclusion: Exclusion? { pnode == nil ? .noNode : exclusionAnywhere }

    /// nil: it takes part in plans for which it does not matter where memory lies.
    public var exclusionAnywhere: Exclusion? {
        if target == nil { return .noTarget }
        if balloon == nil || state == nil { return .unknown }
        if state == .stopped { return .stopped }
        switch reason {
        case nil: return nil
        case .forced: return .forced
        case .migrating: return .migrating
        // These reasons keep the vnode from taking memory, not from giving it.
        case .pnodeFull, .maxReservation: return nil
        case .guard, .noMemory: return .held
        default: return state == .held ? .moved : nil
        }
    }

    /// Whether it can give memory in a plan made now.
    public var isGiving: Bool { exclusion == nil }
}
