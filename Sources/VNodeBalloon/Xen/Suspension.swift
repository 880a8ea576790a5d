internal import CBalloonShim

/// How long this domain was suspended since its boot.
///
/// Another value than before means that it was saved, restored or migrated meanwhile: then a hole may be memory again.
public struct Suspension: Equatable, Sendable {
    /// CLOCK_BOOTTIME minus CLOCK_MONOTONIC.
    public let suspended: Interval

    public init(suspended: Interval) { self.suspended = suspended }

    static func now() -> Suspension { Suspension(suspended: .nanoseconds(cb_clock_suspended())) }

    /// The clocks are read one after the other, a millisecond apart at most unless the machine is very slow: less than this
    /// is no suspend.
    static let threshold: Interval = .milliseconds(3)

    public func differs(from other: Suspension) -> Bool {
        suspended.difference(from: other.suspended) > Self.threshold
    }
}
