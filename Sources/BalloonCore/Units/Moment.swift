/// A point of time of a clock that does not go back: the kernel's monotonic clock, or a simulation's.
///
/// Two of them make an ``Interval``, and cannot be added. It is a type of its own because code that decides is told the time,
/// and takes nothing else for it.
@frozen
public struct Moment: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let nanoseconds: UInt64

    @inlinable public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// The clock's zero: before anything that happens.
    @inlinable public static var zero: Moment { Moment(nanoseconds: 0) }
    /// Later than anything that happens.
    @inlinable public static var never: Moment { Moment(nanoseconds: .max) }

    @inlinable public static func < (left: Moment, right: Moment) -> Bool { left.nanoseconds < right.nanoseconds }
    @inlinable public static func + (left: Moment, right: Interval) -> Moment {
        Moment(nanoseconds: left.nanoseconds + right.nanoseconds)
    }
    @inlinable public static func += (left: inout Moment, right: Interval) { left = left + right }
    @inlinable public static func - (left: Moment, right: Interval) -> Moment {
        Moment(nanoseconds: left.nanoseconds - right.nanoseconds)
    }
    /// From the right one to the left one, which is not before it.
    @inlinable public static func - (left: Moment, right: Moment) -> Interval {
        .nanoseconds(left.nanoseconds - right.nanoseconds)
    }

    /// How long it is until then; 0 where that is over.
    @inlinable public func until(_ later: Moment) -> Interval { later > self ? later - self : .zero }

    /// The clock's own number.
    @inlinable public var description: String { "\(nanoseconds)" }
}
