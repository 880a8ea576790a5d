/// Where moves are noted before they begin, so that a new process knows where to look closer.
///
/// It is a hint: what is RAM and what is a hole is always asked of Xen.
public protocol IntentLog: AnyObject {
    func line(vnode: Int) -> IntentLine
    /// Notes a move before it begins.
    func begin(_ move: InterruptedMove, vnode: Int) throws(BalloonError)
    /// Notes that nothing is under way any more.
    func end(vnode: Int) throws(BalloonError)
    /// What the domain had after the last move; nil when that is not known.
    func reservation() -> NotedReservation?
    /// - Parameter reservation: nil: not known from now on.
    func note(_ reservation: NotedReservation?) throws(BalloonError)
}

/// What the domain had at some time.
public struct NotedReservation: Equatable, Sendable {
    public let frames: UInt64
    /// Tells whether the domain was suspended since.
    public let suspension: Suspension

    public init(frames: UInt64, suspension: Suspension) {
        self.frames = frames
        self.suspension = suspension
    }
}

/// What is noted of a vnode.
public enum IntentLine: Equatable, Sendable {
    /// Nothing was under way.
    case quiet
    case moving(InterruptedMove)
    /// Nothing is known: everything is in doubt.
    case unreadable
}
