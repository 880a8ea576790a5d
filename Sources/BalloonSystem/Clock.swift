public import BalloonCore
internal import CBalloonShim

extension Moment {
    /// The kernel's monotonic clock, which stands still while the machine is suspended.
    public static var now: Moment { Moment(nanoseconds: cb_clock_monotonic()) }
}

/// Sleeps for this long.
public func sleep(for time: Interval) { cb_sleep(time.nanoseconds) }

/// The calendar clock, which an administrator may set.
package enum WallClock {
    /// Seconds since 1970.
    package static var seconds: UInt64 { UInt64(max(0, cb_clock_real_seconds())) }

    /// Seconds since midnight, in this machine's time zone.
    package static var secondsOfDay: Int { Int(cb_time_of_day()) }
}
