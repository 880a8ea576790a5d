internal import CBalloonShim

/// How long this domain was suspended since its boot.
///
/// Another value than before means that it was saved, restored or migrated meanwhile: then a hole may be memory again.
public struct Suspension: Equatable, Sendable {
    /// CLOCK_BOOTTIME minus CLOCK_MONOTONIC.
    public let nanoseconds: UInt64

    public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    static func now() -> Suspension { Suspension(nanoseconds: cb_clock_suspended()) }

    /// The clocks are read one after the other, a millisecond apart at most unless the machine is very slow: less than this
    /// is no suspend.
    static let threshold: UInt64 = 3_000_000

    public func differs(from other: Suspension) -> Bool {
        max(nanoseconds, other.nanoseconds) - min(nanoseconds, other.nanoseconds) > Self.threshold
    }
}
