/// When everything in xenstore is read again: once a minute whatever happens, because a watch event can be lost; a second
/// after a failure. Nanoseconds.
public struct RereadTimer: Sendable {
    static let interval: UInt64 = 60_000_000_000

    public private(set) var due: UInt64 = 0

    public init() {}

    /// Everything is read now.
    public mutating func begin(now: UInt64) { due = now + Self.interval }

    public mutating func failed(now: UInt64) { come(by: now + Backoff.first) }

    public mutating func come(by time: UInt64) { due = min(due, time) }

    /// - Parameter isAwake: awake anyway, it reads a little early: fewer returns of poll while nothing happens.
    public func isDue(now: UInt64, isAwake: Bool) -> Bool { now + (isAwake ? Self.interval / 2 : 0) >= due }
}
