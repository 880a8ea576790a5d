/// What a vnode's balloon is doing.
public enum VNodeActivity: String, Sendable, Equatable {
    /// It is at its target, or has none.
    case idle
    case inflating
    case deflating
    /// It cannot, or must not, move: see ``HeldReason``.
    case held
    /// No daemon is running.
    case stopped
}

/// One vnode, as Xen describes it and as Linux sees it.
public struct VNode: Equatable, Sendable {
    /// Its number for Xen.
    public let number: Int
    /// Linux's number of the node at the same addresses; nil: there is none, or several.
    public let linuxNode: Int?
    /// All its memory, including the balloon.
    public let size: KiB

    public init(number: Int, linuxNode: Int?, size: KiB) {
        self.number = number
        self.linuxNode = linuxNode
        self.size = size
    }
}

/// The request in xenstore for a vnode.
public enum TargetRequest: Equatable, Sendable {
    /// No target: the balloon stays as it is.
    case absent
    /// A text that is not a size, or a size above the vnode's.
    case invalid
    /// The size that the balloon shall have, as it was written.
    case size(KiB)
}

/// The state of one vnode's balloon.
public struct VNodeState: Equatable, Sendable {
    public let vnode: VNode
    /// The accepted target, rounded down; nil while xenstore holds no valid one.
    public internal(set) var target: KiB?
    /// A size that an administrator set.
    public internal(set) var forced: KiB?
    /// How many of this vnode's frames are ballooned out; nil: not known.
    public internal(set) var balloonFrames: Frames?
    /// Memory that cannot be taken back. It is not part of the balloon.
    public internal(set) var lost: KiB = .zero
    /// A sentence about what keeps the balloon from being known or from moving, where there is one.
    public internal(set) var detail: String?
    /// How far the audit is; nil: the vnode is not being audited.
    public internal(set) var audited: AuditedExtents?
    public internal(set) var activity: VNodeActivity
    public internal(set) var reason: HeldReason?

    public init(vnode: VNode, balloonFrames: Frames?, activity: VNodeActivity = .idle) {
        self.vnode = vnode
        self.balloonFrames = balloonFrames
        self.activity = activity
    }

    /// Whether it moves, or the kernel may be trying by itself.
    public var isUnderWay: Bool {
        switch activity {
        case .inflating, .deflating: return true
        case .held: return reason == .noMemory || reason == .pnodeFull || reason == .kernelStopped
        case .idle, .stopped: return false
        }
    }

    /// nil: not known.
    public var balloon: KiB? { balloonFrames?.kib }

    /// Whether it is being audited: its size is not known yet, and no error stands in the way.
    public var isBeingAudited: Bool { balloonFrames == nil && reason == .looking && detail == nil }
}

/// How far an audit is: how many of all extents are done.
public struct AuditedExtents: Equatable, Sendable {
    public var done: Int
    public var all: Int

    public init(done: Int, all: Int) {
        self.done = done
        self.all = all
    }
}
