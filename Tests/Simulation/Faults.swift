import VNodeBalloon

/// What goes wrong at one step of a simulated machine.
public enum Fault: Equatable, Sendable {
    /// The process is killed just before the step, or just after it.
    case crashBefore
    case crashAfter
    /// A hypercall does at most so many extents; when giving, so many frames of the next extent go all the same.
    case short(extents: Int, frames: Int)
    /// The call fails, before or after it had its effect. What the failure is called does not matter to the caller.
    case error
    case lateError
    /// A list of pages ends early: the pool has less than it seemed.
    case fewer(pages: Int)
    /// The process may open no more files: EMFILE, or a descriptor that does not come with its message.
    case noDescriptors
    /// A migration begins right after the step: Xen logs what is written.
    case sending
    /// The domain is migrated right after the step, and part of what was given comes back.
    case migration(Returned)
}

/// What a step does, as far as it matters for what can go wrong.
enum StepKind {
    /// A hypercall that moves extents.
    case move
    /// Linux gives pages.
    case pages
    /// A descriptor is opened.
    case descriptor
    /// The holder is asked.
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

/// Frames of a slot that a migration brings back: so many from some frame on.
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
    /// What a call of a killed process throws: nobody is there to see it.
    static let killed = BalloonError(.system, "the simulated process was killed")
    static let injected = BalloonError(.system, "a simulated failure", errno: 5)
}
