/// A size in KiB, the unit of xenstore, of the configuration and of JSON.
@frozen
public struct KiB: Quantity {
    public let count: UInt64

    @inlinable public init(count: UInt64) { self.count = count }

    @inlinable public init(_ count: UInt64) { self.count = count }

    /// The whole KiB in a number of bytes.
    @inlinable public init(wholeOfBytes bytes: UInt64) { count = bytes / 1024 }

    @inlinable public static func mib(_ count: UInt64) -> KiB { KiB(count * 1024) }
    @inlinable public static func gib(_ count: UInt64) -> KiB { KiB(count * 1024 * 1024) }

    /// The whole frames in it. A rest of less than a frame is dropped.
    @inlinable public var wholeFrames: Frames { Frames(count / Frames.one.kib.count) }
    @inlinable public var wholeMiB: UInt64 { count / 1024 }
    @inlinable public var bytes: UInt64 { count * 1024 }
}
