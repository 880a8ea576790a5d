/// How much of one physical node is free, and how much of that is reserved or granted.
public struct PhysicalNode: Equatable, Sendable {
    /// How much stays free of each node, and of the host, in every plan.
    public static let floor: KiB = .mib(32)
    public static let hostFloor: KiB = .mib(72)

    public var number: Int
    /// The span of the node, including holes: Xen's memsize.
    public var size: KiB
    /// Xen's memfree.
    public var free: KiB
    public var reserved: KiB = .zero
    /// How much vnodes may still take, because their targets are below their balloons.
    public var taking: KiB = .zero
    /// How much vnodes were asked to give and have not given yet.
    public var giving: KiB = .zero

    public init(number: Int, size: KiB, free: KiB) {
        self.number = number
        self.size = size
        self.free = free
    }

    /// How much vnodes may take of it now: memory that was measured free, and is not claimed, reserved or granted.
    /// - Parameter hostFree: free memory of the host, less the claims on it.
    public func usable(hostFree: KiB) -> KiB {
        min(free.less(Self.floor + spoken), hostFree.less(Self.hostFloor + spoken))
    }

    /// How much is free now, but reserved or granted already.
    package var spoken: KiB { reserved + taking }

    /// How much will be free and usable once all moves that were asked for are done.
    public var comingFree: KiB { (free + giving).less(taking + reserved) }
}
