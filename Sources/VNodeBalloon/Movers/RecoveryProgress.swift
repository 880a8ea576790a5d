/// How far a recovery is.
public enum RecoveryProgress: Equatable, Sendable {
    /// There is more to do. Slots that were asked about, of all.
    case going(done: Int, of: Int)
    /// It waits until the recoveries of the other vnodes are as far.
    case waiting
    /// Everything is known.
    case done
}
