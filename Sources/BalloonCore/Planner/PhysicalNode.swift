/// What is free of one physical node, and what of it is spoken for.
public struct PhysicalNode: Equatable, Sendable {
    /// What stays free of each node, and of the host, whatever is planned.
    public static let floor: KiB = .mib(32)
    public static let hostFloor: KiB = .mib(72)

    public var number: Int
    /// What it spans, holes included: Xen's memsize.
    public var size: KiB
    /// Xen's memfree.
    public var free: KiB
    public var reserved: KiB = .zero
    /// What vnodes may still take: their targets are below their balloons.
    public var taking: KiB = .zero
    /// What vnodes have been asked for and have not given yet.
    public var giving: KiB = .zero

    public init(number: Int, size: KiB, free: KiB) {
        self.number = number
        self.size = size
        self.free = free
    }

    /// What smaller balloons may take of it now: measured free, and neither claimed, reserved nor granted.
    /// - Parameter hostFree: free memory of the host, less the claims on it.
    public func usable(hostFree: KiB) -> KiB {
        min(free.less(Self.floor + spoken), hostFree.less(Self.hostFloor + spoken))
    }

    /// What is free now, but reserved or granted already.
    package var spoken: KiB { reserved + taking }

    /// What will be free and usable once all that was asked for has moved.
    public var comingFree: KiB { (free + giving).less(taking + reserved) }
}
