/// The most that one step moves, in extents of the mover's granularity.
public struct StepLimits: Equatable, Sendable {
    public var inflateExtents: Int
    public var deflateExtents: Int

    public init(inflateExtents: Int, deflateExtents: Int) {
        self.inflateExtents = inflateExtents
        self.deflateExtents = deflateExtents
    }
}
