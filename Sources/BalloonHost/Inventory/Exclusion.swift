internal import BalloonCore

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
}

extension HostDomain {
    /// nil: it takes part.
    public var exclusion: Exclusion? {
        if isToolstack { return .toolstack }
        if facts.isDying { return .dying }
        if !isIntroduced { return .beingBuilt }
        if facts.isShutdown { return .shutdown }
        if facts.isPaused { return .paused }
        if !isManaged { return .notFollowing }
        if facts.kind == .pv { return .anywhere }
        if vnodes.contains(where: { $0.reason == .migrating }) { return .migrating }
        if contradiction != nil { return .contradiction }
        return nil
    }

    /// In a plan. What Xen does not believe does not count.
    func seat(_ vnode: HostVNode) -> Seat {
        Seat(
            domain: id, vnode: vnode.number, sizeKiB: vnode.sizeKiB, minKiB: vnode.minKiB, maxKiB: vnode.maxKiB,
            balloonKiB: vnode.promisedKiB, grainKiB: vnode.grainKiB, shortKiB: vnode.shortKiB)
    }
}

extension HostVNode {
    /// nil: it takes part.
    public var exclusion: Exclusion? {
        if pnode == nil { return .noNode }
        if targetKiB == nil { return .noTarget }
        if balloonKiB == nil || state == nil { return .unknown }
        if state == .stopped { return .stopped }
        switch reason {
        case nil: return nil
        case .forced: return .forced
        case .migrating: return .migrating
        // These keep it from taking, not from giving.
        case .pnodeFull, .maxReservation: return nil
        case .guard, .noMemory: return .held
        default: return state == .held ? .moved : nil
        }
    }

    /// What it can still give in a plan of now.
    public var isGiving: Bool { exclusion == nil }
}
