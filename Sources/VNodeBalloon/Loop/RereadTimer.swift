/// Decides when everything in xenstore is read again: once a minute in any case, because a watch event can be lost, and
/// a second after a failure.
public struct RereadTimer: Sendable {
    static let interval: Interval = .seconds(60)

    /// The reading of each minute, and what is due, which may be earlier.
    private var regular: Moment = .zero
    public private(set) var due: Moment = .zero

    public init() {}

    /// The loop reads everything now.
    public mutating func begin(now: Moment) {
        regular = now + Self.interval
        due = regular
    }

    public mutating func failed(now: Moment) { come(by: now + Backoff.first) }

    public mutating func come(by time: Moment) { due = min(due, time) }

    /// - Parameter isAwake: the loop is awake anyway. Then the reading of each minute comes a little early, which saves a
    ///   wake-up later. A pause after a failure is not cut short: another alarm may ring each 20 ms.
    public func isDue(now: Moment, isAwake: Bool) -> Bool {
        now >= due || isAwake && now + Self.interval / 2 >= regular
    }
}
