/// A whole number of one unit, and never below 0: ``KiB``, ``Frames``, ``Interval``.
///
/// The unit is in the type, so a size cannot be added to a count of frames, and no factor stands in the code that uses them.
/// It is one machine word, reckons as UInt64 does, and a sum or a difference that does not fit ends the program as UInt64's
/// does. There are no literals: a number in the code is written with its unit.
public protocol Quantity: Comparable, Hashable, Sendable, AdditiveArithmetic, CustomStringConvertible {
    /// The number of units, for places that define their own unit: rows of xenstore, JSON, the shim.
    var count: UInt64 { get }

    init(count: UInt64)
}

extension Quantity {
    @inlinable public static var zero: Self { Self(count: 0) }
    /// More than any real one.
    @inlinable public static var max: Self { Self(count: .max) }

    @inlinable public static func < (left: Self, right: Self) -> Bool { left.count < right.count }
    @inlinable public static func + (left: Self, right: Self) -> Self { Self(count: left.count + right.count) }
    @inlinable public static func - (left: Self, right: Self) -> Self { Self(count: left.count - right.count) }
    @inlinable public static func * (left: Self, times: UInt64) -> Self { Self(count: left.count * times) }
    /// A part of it, rounded down.
    @inlinable public static func / (left: Self, parts: UInt64) -> Self { Self(count: left.count / parts) }
    /// How often the other one fits into it.
    @inlinable public static func / (left: Self, right: Self) -> UInt64 { left.count / right.count }
    @inlinable public static func += (left: inout Self, right: Self) { left = left + right }
    @inlinable public static func -= (left: inout Self, right: Self) { left = left - right }

    /// `self - other`, and 0 where the other one is more.
    @inlinable public func less(_ other: Self) -> Self { self > other ? self - other : .zero }
    /// How far apart they are, whichever is more.
    @inlinable public func difference(from other: Self) -> Self { self > other ? self - other : other - self }
    @inlinable public func roundedDown(to grain: Self) -> Self { Self(count: count / grain.count * grain.count) }
    @inlinable public func roundedUp(to grain: Self) -> Self {
        Self(count: (count + grain.count - 1) / grain.count * grain.count)
    }

    /// The number alone. Whoever prints it names the unit: the key of a row does, or the sentence.
    @inlinable public var description: String { "\(count)" }
}
