/// A number of frames of 4 KiB: what Xen counts ("pages"), and what Linux's page allocator counts.
///
/// Movers move extents, whose size depends on the mover: 2 MiB, or a single frame with Linux's own balloon. A number of
/// extents has no type of its own, because such a type would have the wrong size for one of the movers.
@frozen
public struct Frames: Quantity {
    public let count: UInt64

    @inlinable public init(count: UInt64) { self.count = count }

    @inlinable public init(_ count: UInt64) { self.count = count }

    @inlinable public static var one: Frames { Frames(1) }

    /// Exact.
    @inlinable public var kib: KiB { KiB(count * 4) }
}
