/// Whether a connection to xenstore answers.
public enum StoreCondition: String, Equatable, Sendable {
    case open
    /// xenstore did not answer in time. No call waits for it until it says something.
    case silent
    /// The connection is gone, and a new one is needed.
    case lost
}
