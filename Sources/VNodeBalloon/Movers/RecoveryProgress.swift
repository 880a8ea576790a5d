/// How far a recovery has come.
public enum RecoveryProgress: Equatable, Sendable {
    /// There is more to do. `done` of all slots were probed.
    case going(done: Int, of: Int)
    /// It waits for the other vnodes' recoveries to come as far.
    case waiting
    /// Everything is known.
    case done
}
