internal import Logging

/// Logs a failure that persists once a minute, and not at every try.
struct RepeatedFailures {
    static let interval: Interval = .seconds(60)

    /// What was logged last of each action, and when.
    private var logged: [String: (error: BalloonError, at: Moment)] = [:]
    /// Tries that failed since, unlogged.
    private var unlogged: [String: Int] = [:]

    /// All failures since the start, logged or not, by kind.
    private(set) var counts: [BalloonError.Code: UInt64] = [:]
    var byKind: [String: UInt64] {
        Dictionary(uniqueKeysWithValues: counts.map { ($0.key.description, $0.value) })
    }

    /// Whether a failure is to be logged: another one than before, or after a while. Counts those that are not.
    mutating func isDue(_ what: String, _ error: BalloonError, now: Moment) -> Bool {
        if let last = logged[what], last.error.description == error.description, now < last.at + Self.interval {
            unlogged[what, default: 0] += 1
            return false
        }
        logged[what] = (error, now)
        return true
    }

    /// For one that is logged elsewhere.
    mutating func count(_ error: BalloonError) { counts[error.code, default: 0] += 1 }

    /// An action worked: its next failure is news.
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
