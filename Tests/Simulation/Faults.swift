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
}

extension BalloonError {
    /// What a call of a killed process throws: nobody is there to see it.
    static let killed = BalloonError(.system, "the simulated process was killed")
    static let injected = BalloonError(.system, "a simulated failure", errno: 5)
}
