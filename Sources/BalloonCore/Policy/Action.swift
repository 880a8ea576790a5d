/// One bounded step that the controller wants done.
public enum Action: Equatable, Sendable {
    /// Give up to `extents` 2 MiB extents of the vnode to Xen.
    case inflate(vnode: Int, extents: Int)
    /// Take up to `extents` back.
    case deflate(vnode: Int, extents: Int)

    public var vnode: Int {
        switch self {
        case .inflate(let vnode, _), .deflate(let vnode, _): return vnode
        }
    }
}

extension Action: CustomStringConvertible {
    public var description: String {
        switch self {
        case .inflate(let vnode, let extents): "vnode \(vnode): inflate by \(extents) extents"
        case .deflate(let vnode, let extents): "vnode \(vnode): deflate by \(extents) extents"
        }
    }
}

/// What came of an ``Action``.
public struct Outcome: Equatable, Sendable {
    /// The vnode's balloon after it; nil: not known until it was audited.
    public var balloonFrames: Frames?
    /// Why it was less than asked for, if it was.
    public var obstacle: HeldReason?
    /// Linux's own balloon is still working; this is not a failure. Look again after so long.
    public var pause: Interval?

    public init(balloonFrames: Frames?, obstacle: HeldReason? = nil) {
        self.balloonFrames = balloonFrames
        self.obstacle = obstacle
    }
}

/// What the controller says when it is asked what to do.
public enum Decision: Equatable, Sendable {
    case act(Action)
    /// Nothing, until something changes or until this time (of the caller's clock; nil: for ever).
    case wait(until: Moment?)
}
