/// The waiting time after failures: 1 s, doubled with each failure, at most 60 s.
public struct Backoff: Equatable, Sendable {
    public static let first: Interval = .seconds(1)
    public static let longest: Interval = .seconds(60)

    private var delay: Interval = .zero
    /// When the next try is due; nil: at once.
    public private(set) var due: Moment?

    public init() {}

    /// Notes a failure.
    public mutating func failed(now: Moment) {
        delay = delay == .zero ? Self.first : min(delay * 2, Self.longest)
        due = now + delay
    }

    /// Makes the next try wait, without a failure.
    public mutating func pause(until time: Moment) { due = time }

    /// Notes progress, or a new target: the next failure waits 1 s again.
    public mutating func reset() { self = Backoff() }

    /// Whether a try is due.
    public func isDue(now: Moment) -> Bool { due.map { now >= $0 } ?? true }
}
