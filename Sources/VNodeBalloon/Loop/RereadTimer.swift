/// When everything in xenstore is read again: once a minute whatever happens, because a watch event can be lost; a second
/// after a failure.
public struct RereadTimer: Sendable {
    static let interval: Interval = .seconds(60)

    public private(set) var due: Moment = .zero

    public init() {}

    /// Everything is read now.
    public mutating func begin(now: Moment) { due = now + Self.interval }

    public mutating func failed(now: Moment) { come(by: now + Backoff.first) }

    public mutating func come(by time: Moment) { due = min(due, time) }

    /// - Parameter isAwake: awake anyway, it reads a little early: fewer returns of poll while nothing happens.
    public func isDue(now: Moment, isAwake: Bool) -> Bool { now + (isAwake ? Self.interval / 2 : .zero) >= due }
}
