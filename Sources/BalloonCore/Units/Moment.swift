/// A point of time of a clock that does not go back: the kernel's monotonic clock, or a simulation's.
///
/// The difference of two moments is an ``Interval``; moments cannot be added. It is a type of its own because code that
/// decides gets the time as an argument, and no other number must be taken for it.
@frozen
public struct Moment: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let nanoseconds: UInt64

    @inlinable public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// The clock's zero, before any event.
    @inlinable public static var zero: Moment { Moment(nanoseconds: 0) }
    /// Later than any event.
    @inlinable public static var never: Moment { Moment(nanoseconds: .max) }

    @inlinable public static func < (left: Moment, right: Moment) -> Bool { left.nanoseconds < right.nanoseconds }
    @inlinable public static func + (left: Moment, right: Interval) -> Moment {
        Moment(nanoseconds: left.nanoseconds + right.nanoseconds)
    }
    @inlinable public static func += (left: inout Moment, right: Interval) { left = left + right }
    @inlinable public static func - (left: Moment, right: Interval) -> Moment {
        Moment(nanoseconds: left.nanoseconds - right.nanoseconds)
    }
    /// The time from the right moment to the left one, which must not be earlier.
    @inlinable public static func - (left: Moment, right: Moment) -> Interval {
        .nanoseconds(left.nanoseconds - right.nanoseconds)
    }

    /// The time until `later`; 0 where that has passed.
    @inlinable public func until(_ later: Moment) -> Interval { later > self ? later - self : .zero }

    /// The clock's own number.
    @inlinable public var description: String { "\(nanoseconds)" }
}
