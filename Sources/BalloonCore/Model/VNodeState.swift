/// What a vnode's balloon does.
public enum VNodeActivity: String, Sendable, Equatable {
    /// At its target, or without one.
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
    /// Xen's number.
    public let number: Int
    /// Linux's number of the node at the same addresses; nil when there is none, or several.
    public let linuxNode: Int?
    /// Memory, balloon included.
    public let size: KiB

    public init(number: Int, linuxNode: Int?, size: KiB) {
        self.number = number
        self.linuxNode = linuxNode
        self.size = size
    }
}

/// What xenstore asks of a vnode.
public enum TargetRequest: Equatable, Sendable {
    /// No target: stay as you are.
    case absent
    /// Something that is not a size, or more than there is.
    case invalid
    /// The size that the balloon shall have, as it was written.
    case size(KiB)
}

/// All that is known of one vnode's balloon.
public struct VNodeState: Equatable, Sendable {
    public let vnode: VNode
    /// The accepted target, rounded down; nil while xenstore holds no valid one.
    public internal(set) var target: KiB?
    /// A size that an administrator set.
    public internal(set) var forced: KiB?
    /// Frames that Xen has of this vnode; nil: not known.
    public internal(set) var balloonFrames: Frames?
    /// What cannot be taken back; not part of the balloon.
    public internal(set) var lost: KiB = .zero
    /// What keeps it from being known, or from moving, in a sentence, where there is one.
    public internal(set) var detail: String?
    /// Extents that Xen was asked about, of all, while it is being audited.
    public internal(set) var audited: AuditedExtents?
    public internal(set) var activity: VNodeActivity
    public internal(set) var reason: HeldReason?

    public init(vnode: VNode, balloonFrames: Frames?, activity: VNodeActivity = .idle) {
        self.vnode = vnode
        self.balloonFrames = balloonFrames
        self.activity = activity
    }

    /// It moves, or the kernel may be trying by itself.
    public var isUnderWay: Bool {
        switch activity {
        case .inflating, .deflating: return true
        case .held: return reason == .noMemory || reason == .pnodeFull || reason == .kernelStopped
        case .idle, .stopped: return false
        }
    }

    /// nil: not known.
    public var balloon: KiB? { balloonFrames?.kib }

    /// Nothing is known of it yet, and nothing stands in the way of knowing it.
    public var isBeingAudited: Bool { balloonFrames == nil && reason == .looking && detail == nil }
}

/// How far an audit is.
public struct AuditedExtents: Equatable, Sendable {
    public var done: Int
    public var all: Int

    public init(done: Int, all: Int) {
        self.done = done
        self.all = all
    }
}
