extension VNodeInterface {
    /// What xenstore says.
    public struct Reading: Equatable, Sendable {
        /// By vnode number.
        public var requests: [Int: TargetRequest] = [:]
        /// Targets that are no sizes of their vnodes, in a form that may be printed.
        public var refused: [Int: String] = [:]
        /// Vnodes whose memory may come from other physical nodes.
        public var mayTakeElsewhere: Set<Int> = []
        /// memory/target, nil where there is none.
        public var legacyTarget: KiB?
        /// memory/target exists, whatever it holds.
        public var hasLegacyTarget = false
        /// Any vnode has a target.
        public var hasTargets = false
    }
}
