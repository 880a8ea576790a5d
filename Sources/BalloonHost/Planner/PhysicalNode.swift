/// What is free of one physical node, and what of it is spoken for. Sizes are KiB.
public struct PhysicalNode: Equatable, Sendable {
    /// What stays free of each node, and of the host, whatever is planned.
    public static let floorKiB: UInt64 = 32 << 10
    public static let hostFloorKiB: UInt64 = 72 << 10

    public var number: Int
    /// What it spans, holes included: Xen's memsize.
    public var sizeKiB: UInt64
    /// Xen's memfree.
    public var freeKiB: UInt64
    public var reservedKiB: UInt64 = 0
    /// What vnodes may still take: their targets are below their balloons.
    public var takingKiB: UInt64 = 0
    /// What vnodes have been asked for and have not given yet.
    public var givingKiB: UInt64 = 0

    public init(number: Int, sizeKiB: UInt64, freeKiB: UInt64) {
        self.number = number
        self.sizeKiB = sizeKiB
        self.freeKiB = freeKiB
    }

    /// What smaller balloons may take of it now: measured free, and nobody else's.
    /// - Parameter hostFreeKiB: free memory of the host, less the claims on it.
    public func usableKiB(hostFreeKiB: UInt64) -> UInt64 {
        min(less(freeKiB, Self.floorKiB + spokenKiB), less(hostFreeKiB, Self.hostFloorKiB + spokenKiB))
    }

    /// What is free now and somebody's already.
    var spokenKiB: UInt64 { reservedKiB + takingKiB }

    /// What will be free and nobody's once all that was asked for has moved.
    public var comingFreeKiB: UInt64 { less(freeKiB + givingKiB, takingKiB + reservedKiB) }
}

/// `value - part`, not below 0.
func less(_ value: UInt64, _ part: UInt64) -> UInt64 { value > part ? value - part : 0 }
