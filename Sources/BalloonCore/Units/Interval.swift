/// A span of time, in nanoseconds.
///
/// Swift's own Duration is not used: it is signed and two words long and counts attoseconds. Every conversion to or
/// from the kernel's clock would be a division of 128 bits. This type counts in the clock's own unit.
@frozen
public struct Interval: Quantity {
    public let nanoseconds: UInt64

    @inlinable public var count: UInt64 { nanoseconds }

    @inlinable public init(count: UInt64) { nanoseconds = count }

    @inlinable public static func nanoseconds(_ count: UInt64) -> Interval { Interval(count: count) }
    @inlinable public static func microseconds(_ count: UInt64) -> Interval { Interval(count: count * 1000) }
    @inlinable public static func milliseconds(_ count: UInt64) -> Interval { Interval(count: count * 1_000_000) }
    @inlinable public static func seconds(_ count: UInt64) -> Interval { Interval(count: count * 1_000_000_000) }

    @inlinable public var wholeMicroseconds: UInt64 { nanoseconds / 1000 }
    @inlinable public var wholeMilliseconds: UInt64 { nanoseconds / 1_000_000 }
    @inlinable public var wholeSeconds: UInt64 { nanoseconds / 1_000_000_000 }
}
