/// Where moves are noted before they begin, so that a new process knows which slots to audit frame by frame.
///
/// It is only a hint: this process always asks Xen what is RAM and what is a hole.
public protocol IntentLog: AnyObject {
    func line(vnode: Int) -> IntentLine
    /// Notes a move before it begins.
    func begin(_ move: InterruptedMove, vnode: Int) throws(BalloonError)
    /// Notes that no move is under way any more, and what the file is like now.
    func end(_ file: FileShape?, vnode: Int) throws(BalloonError)
    /// The sum of the domain's memory and all its balloons, in frames, when every frame was last known. Our own moves
    /// do not change this sum. nil: not known.
    func total() -> UInt64?
    /// - Parameter total: nil: the sum is not known from now on.
    func note(total: UInt64?) throws(BalloonError)
}

/// What the log says about a vnode.
public enum IntentLine: Equatable, Sendable {
    /// No move was under way. nil: an earlier program noted it.
    case quiet(FileShape?)
    case moving(InterruptedMove)
    /// The line cannot be read, so all slots of the vnode are in doubt.
    case unreadable
}
