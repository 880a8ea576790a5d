/// Why a domain, or a vnode, is in no plan just now.
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

    /// nil: its vnodes take part in plans for which it does not matter where memory lies.
    public var exclusionAnywhere: Exclusion? {
        if let general { return general }
        if !isManaged { return .notFollowing }
        if vnodes.contains(where: { $0.reason == .migrating }) { return .migrating }
        if contradiction != nil { return .contradiction }
        return nil
    }

    private var general: Exclusion? {
        if isToolstack { return .toolstack }
        if facts.isDying { return .dying }
        if !isIntroduced { return .beingBuilt }
        if facts.isShutdown { return .shutdown }
        // What an administrator keeps for it is not known, and that is not nothing.
        if !savedLimits.faults.isEmpty { return .limitsUnknown }
        return facts.isPaused ? .paused : nil
    }

    /// Linux's own balloon takes it up and down, as one whole: nil where memory/target is all that it follows, and it has come there.
    /// - Parameter isTold: an administrator says that guests follow memory/target, although they do not say so themselves.
    public func oldExclusion(isTold: Bool) -> Exclusion? {
        if let general { return general }
        // With virtual NUMA Linux's own balloon would mix the nodes.
        guard !isManaged, !hasVNUMA, hasOldBalloon || isTold, let target = legacyTarget, let most = staticMax,
            target <= most
        else { return .notFollowing }
        return memory.difference(from: target) > Self.mostBeside + video ? .onItsWay : nil
    }

    /// Firmware and special pages: what a domain at rest has beside its memory/target at most.
    static let mostBeside: KiB = .mib(4)

    /// The number that stands for all of a domain in a plan, where it has no vnodes that follow. Its balloon is what memory/target
    /// leaves of static-max.
    public static let whole = -1

    /// In a plan, as one whole.
    func wholeSeat() -> Seat? {
        guard let target = legacyTarget, let most = staticMax, target <= most else { return nil }
        return Seat(
            domain: id, vnode: Self.whole, size: most, minimum: minimum, maximum: maximum, balloon: most - target,
            grain: Frames.one.kib)
    }

    /// memory/target that goes with a balloon of the whole domain.
    public func wholeTarget(_ balloon: KiB) -> KiB { (staticMax ?? .zero).less(balloon) }

    /// In a plan. The guest's word does not count where Xen's count contradicts it.
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
        // These exclude it from taking memory, not from giving it.
        case .pnodeFull, .maxReservation: return nil
        case .guard, .noMemory: return .held
        default: return state == .held ? .moved : nil
        }
    }

    /// What it can still give in a plan of now.
    public var isGiving: Bool { exclusion == nil }
}
