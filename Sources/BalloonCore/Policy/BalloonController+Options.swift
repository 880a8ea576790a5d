// What the controller is told before it decides.
extension BalloonController {
    /// The facts that a decision needs. The caller gathers them before each decision.
    public struct Facts: Sendable {
        /// Memory of each vnode's node, by vnode number; nil when it could not be looked at. Needed only where
        /// ``wantsMemoryFacts(of:now:)``.
        public var memory: [Int: NodeMemory]? = [:]
        /// XENMEM_current_reservation and XENMEM_maximum_reservation. Needed only where
        /// ``wantsReservations(now:)``.
        public var currentReservation: Frames = .zero
        public var maximumReservation: Frames = .max

        public init() {}
    }

    /// Settings, from the configuration.
    public struct Options: Equatable, Sendable {
        public var guardRule = Guard()
        /// What each vnode's memory never goes below.
        public var floor: KiB = .zero
        /// Memory pressure takes memory back; nil: it does not.
        public var yielding: Yielding?
        /// MiB a second over all vnodes; 0: as fast as it goes. What cannot wait does not: pressure, a removed file.
        public var maxRateMiB: UInt64 = 0
        /// The most that one step moves: the mover's ``StepLimits``.
        public var inflateExtents = 4
        public var deflateExtents = 64

        public init() {}

        /// The same with a mover's limits.
        package func with(_ steps: StepLimits) -> Options {
            var options = self
            options.inflateExtents = steps.inflateExtents
            options.deflateExtents = steps.deflateExtents
            return options
        }
    }
}
