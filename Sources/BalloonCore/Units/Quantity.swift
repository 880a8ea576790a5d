/// A whole number of one unit, never below 0: ``KiB``, ``Frames``, ``Interval``.
///
/// The unit is part of the type, so a size cannot be added to a count of frames, and code that uses them needs no
/// factors. It is one machine word and computes as UInt64 does: a sum or a difference that does not fit ends the
/// program. There are no literals: a number in the code is written with its unit.
public protocol Quantity: Comparable, Hashable, Sendable, AdditiveArithmetic, CustomStringConvertible {
    /// The number of units, for code that has its own unit: rows of xenstore, JSON, the shim.
    var count: UInt64 { get }

    init(count: UInt64)
}

extension Quantity {
    @inlinable public static var zero: Self { Self(count: 0) }
    /// More than any real value.
    @inlinable public static var max: Self { Self(count: .max) }

    @inlinable public static func < (left: Self, right: Self) -> Bool { left.count < right.count }
    @inlinable public static func + (left: Self, right: Self) -> Self { Self(count: left.count + right.count) }
    @inlinable public static func - (left: Self, right: Self) -> Self { Self(count: left.count - right.count) }
    @inlinable public static func * (left: Self, times: UInt64) -> Self { Self(count: left.count * times) }
    /// A fraction of it, rounded down.
    @inlinable public static func / (left: Self, parts: UInt64) -> Self { Self(count: left.count / parts) }
    /// How often the other one fits into it.
    @inlinable public static func / (left: Self, right: Self) -> UInt64 { left.count / right.count }
    @inlinable public static func += (left: inout Self, right: Self) { left = left + right }
    @inlinable public static func -= (left: inout Self, right: Self) { left = left - right }

    /// `self - other`; 0 where the other one is larger.
    @inlinable public func less(_ other: Self) -> Self { self > other ? self - other : .zero }
    /// The absolute difference.
    @inlinable public func difference(from other: Self) -> Self { self > other ? self - other : other - self }
    @inlinable public func roundedDown(to grain: Self) -> Self { Self(count: count / grain.count * grain.count) }
    @inlinable public func roundedUp(to grain: Self) -> Self {
        Self(count: (count + grain.count - 1) / grain.count * grain.count)
    }

    /// The number alone. The caller prints the unit, in the key of a row or in the sentence.
    @inlinable public var description: String { "\(count)" }
}
