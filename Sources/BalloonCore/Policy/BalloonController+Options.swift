// The input of the controller.
extension BalloonController {
    /// The facts that a decision needs. The caller gathers them before each decision.
    public struct Facts: Sendable {
        /// The memory of each vnode's node, by vnode number; nil: it could not be read. Needed only where
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
        /// The size below which each vnode's memory never goes.
        public var floor: KiB = .zero
        /// How memory pressure takes memory back; nil: it does not.
        public var yielding: Yielding?
        /// The rate in MiB a second over all vnodes; 0: no limit. Pressure and a removed file are not limited, because
        /// they cannot wait.
        public var maxRateMiB: UInt64 = 0
        /// The most that one step moves: the mover's ``StepLimits``.
        public var inflateExtents = 4
        public var deflateExtents = 64

        public init() {}

        /// These options with a mover's limits.
        package func with(_ steps: StepLimits) -> Options {
            var options = self
            options.inflateExtents = steps.inflateExtents
            options.deflateExtents = steps.deflateExtents
            return options
        }
    }
}
