internal import CBalloonShim

/// How long this domain was suspended since its boot.
///
/// A change means that the domain was saved, restored or migrated meanwhile. Then a hole may be RAM again.
public struct Suspension: Equatable, Sendable {
    /// CLOCK_BOOTTIME minus CLOCK_MONOTONIC.
    public let suspended: Interval

    public init(suspended: Interval) { self.suspended = suspended }

    static func now() -> Suspension { Suspension(suspended: .nanoseconds(cb_clock_suspended())) }

    /// A smaller difference is no suspend: the clocks are read one after the other, at most a millisecond apart unless
    /// the machine is very slow.
    static let threshold: Interval = .milliseconds(3)

    public func differs(from other: Suspension) -> Bool {
        suspended.difference(from: other.suspended) > Self.threshold
    }
}
