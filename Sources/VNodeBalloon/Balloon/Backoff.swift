/// Waiting times after failures: 1 s, doubled each time, 60 s at most.
public struct Backoff: Equatable, Sendable {
    /// Nanoseconds.
    public static let first: UInt64 = 1_000_000_000
    public static let longest: UInt64 = 60_000_000_000

    private var delay: UInt64 = 0
    /// When the next try is due, nil for at once.
    public private(set) var due: UInt64?

    public init() {}

    /// Notes a failure.
    public mutating func failed(now: UInt64) {
        delay = delay == 0 ? Self.first : min(delay * 2, Self.longest)
        due = now + delay
    }

    /// Has the next try wait, without a failure.
    public mutating func pause(until time: UInt64) { due = time }

    /// Notes progress, or a new target: the next failure waits 1 s again.
    public mutating func reset() { self = Backoff() }

    /// Whether a try is due.
    public func isDue(now: UInt64) -> Bool { due.map { now >= $0 } ?? true }
}
