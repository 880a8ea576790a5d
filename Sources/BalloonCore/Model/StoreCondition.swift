/// Whether a connection to xenstore answers.
public enum StoreCondition: String, Equatable, Sendable {
    case open
    /// It did not answer in time, and is not waited for before it says something.
    case silent
    /// The connection is gone: another one is needed.
    case lost
}
