/// One bounded step that the controller wants done.
public enum Action: Equatable, Sendable {
    /// Give at most `extents` extents of the vnode to Xen.
    case inflate(vnode: Int, extents: Int)
    /// Take at most `extents` extents back.
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

/// The result of an ``Action``.
public struct Outcome: Equatable, Sendable {
    /// The vnode's balloon afterwards; nil: not known until it is audited.
    public var balloonFrames: Frames?
    /// Why the step moved less than it was asked to; nil: it did all of it.
    public var obstacle: HeldReason?
    /// Linux's own balloon is still working; this is not a failure. Ask again after this time.
    public var pause: Interval?

    public init(balloonFrames: Frames?, obstacle: HeldReason? = nil) {
        self.balloonFrames = balloonFrames
        self.obstacle = obstacle
    }
}

/// The controller's answer when it is asked what to do.
public enum Decision: Equatable, Sendable {
    case act(Action)
    /// Do nothing until something changes, or until this time of the caller's clock (nil: no limit).
    case wait(until: Moment?)
}
