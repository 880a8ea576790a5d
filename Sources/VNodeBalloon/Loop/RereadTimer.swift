/// Decides when everything in xenstore is read again: once a minute in any case, because a watch event can be lost, and
/// a second after a failure.
public struct RereadTimer: Sendable {
    static let interval: Interval = .seconds(60)

    public private(set) var due: Moment = .zero

    public init() {}

    /// The loop reads everything now.
    public mutating func begin(now: Moment) { due = now + Self.interval }

    public mutating func failed(now: Moment) { come(by: now + Backoff.first) }

    public mutating func come(by time: Moment) { due = min(due, time) }

    /// - Parameter isAwake: the loop is awake anyway. Then it reads a little early, which saves a wake-up later.
    public func isDue(now: Moment, isAwake: Bool) -> Bool { now + (isAwake ? Self.interval / 2 : .zero) >= due }
}
