internal import CBalloonShim

extension Moment {
    /// The kernel's monotonic clock, which stands still while the machine is suspended.
    public static var now: Moment { Moment(nanoseconds: cb_clock_monotonic()) }
}

/// Lets so much time pass.
public func sleep(for time: Interval) { cb_sleep(time.nanoseconds) }
