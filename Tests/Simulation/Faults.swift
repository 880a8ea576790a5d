import VNodeBalloon

/// What goes wrong at one step of a simulated machine.
public enum Fault: Equatable, Sendable {
    /// The process is killed just before the step, or just after it.
    case crashBefore
    case crashAfter
    /// A hypercall does at most `extents` extents. If it gives, it also gives `frames` frames of the next extent.
    case short(extents: Int, frames: Int)
    /// The call fails, before or after it had its effect. The caller must not depend on which error it is.
    case error
    case lateError
    /// A list of pages ends early, because the pool has fewer free pages than it seemed.
    case fewer(pages: Int)
    /// The process may open no more files: a call fails with EMFILE, or a message comes without its descriptor.
    case noDescriptors
    /// A migration begins right after the step: Xen begins to log which frames are written.
    case sending
    /// The domain is migrated right after the step, and some of the frames that were given come back as RAM.
    case migration(Returned)
}

/// The kind of a step, which says what can go wrong in it.
enum StepKind {
    /// A hypercall that moves extents.
    case move
    /// Linux gives pages.
    case pages
    /// A descriptor is opened.
    case descriptor
    /// The holder gets a request.
    case holder
    case other

    func canSuffer(_ fault: Fault) -> Bool {
        switch fault {
        case .short: self == .move
        case .fewer: self == .pages
        case .noDescriptors: self == .descriptor || self == .holder
        default: true
        }
    }
}

/// The frames of a slot that a migration brings back: `count` of them, beginning at `from`.
public struct Returned: Equatable, Sendable {
    public var vnode: Int
    public var slot: Int
    public var from: Int
    public var count: Int

    public init(vnode: Int, slot: Int, from: Int, count: Int) {
        self.vnode = vnode
        self.slot = slot
        self.from = from
        self.count = count
    }
}

extension BalloonError {
    /// What the calls of a killed process throw. No code of the product sees it.
    static let killed = BalloonError(.system, "the simulated process was killed")
    static let injected = BalloonError(.system, "a simulated failure", errno: 5)
}
