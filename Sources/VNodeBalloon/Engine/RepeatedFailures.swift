internal import Logging

/// Logs a failure that persists only once a minute, not at every try.
struct RepeatedFailures {
    static let interval: Interval = .seconds(60)

    /// For each action the failure that was logged last, and when.
    private var logged: [String: (error: BalloonError, at: Moment)] = [:]
    /// For each action the failed tries since then, which were not logged.
    private var unlogged: [String: Int] = [:]

    /// All failures since the start, logged or not, by kind.
    private(set) var counts: [BalloonError.Code: UInt64] = [:]
    var byKind: [String: UInt64] {
        Dictionary(uniqueKeysWithValues: counts.map { ($0.key.description, $0.value) })
    }

    /// Whether to log a failure: it differs from the last one, or that one was logged a while ago. A failure that is
    /// not logged is counted.
    mutating func isDue(_ what: String, _ error: BalloonError, now: Moment) -> Bool {
        if let last = logged[what], last.error.description == error.description, now < last.at + Self.interval {
            unlogged[what, default: 0] += 1
            return false
        }
        logged[what] = (error, now)
        return true
    }

    /// Counts a failure that the caller logs itself.
    mutating func count(_ error: BalloonError) { counts[error.code, default: 0] += 1 }

    /// An action succeeded: its next failure is logged at once.
    mutating func succeeded(_ what: String) {
        guard logged[what] != nil else { return }
        logged[what] = nil
        unlogged[what] = nil
    }

    mutating func log(_ log: Logger, _ what: String, _ error: BalloonError, now: Moment) {
        count(error)
        guard isDue(what, error, now: now) else { return }
        var metadata: Logger.Metadata = ["error": "\(error)"]
        if let count = unlogged.removeValue(forKey: what) { metadata["times"] = "\(count + 1)" }
        log.error("\(what)", metadata: metadata)
    }
}
