/// Where moves are noted before they begin, so that a new process knows which slots to audit frame by frame.
///
/// It is a hint: what is RAM and what is a hole is always asked of Xen.
public protocol IntentLog: AnyObject {
    func line(vnode: Int) -> IntentLine
    /// Notes a move before it begins.
    func begin(_ move: InterruptedMove, vnode: Int) throws(BalloonError)
    /// Notes that nothing is under way any more.
    func end(vnode: Int) throws(BalloonError)
    /// The domain's memory and all balloons together when every frame was last known, in frames; nil when that is not
    /// known. Moves do not change it.
    func total() -> UInt64?
    /// - Parameter total: nil: not known from now on.
    func note(total: UInt64?) throws(BalloonError)
}

/// What is noted of a vnode.
public enum IntentLine: Equatable, Sendable {
    /// Nothing was under way.
    case quiet
    case moving(InterruptedMove)
    /// Nothing is known: everything is in doubt.
    case unreadable
}
