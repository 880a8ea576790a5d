extension VNodeInterface {
    /// What was read from xenstore.
    public struct Reading: Equatable, Sendable {
        /// By vnode number.
        public var requests: [Int: TargetRequest] = [:]
        /// Targets that are not valid sizes for their vnode, as printable text.
        public var refused: [Int: String] = [:]
        /// The vnodes whose memory may come from other physical nodes.
        public var mayTakeElsewhere: Set<Int> = []
        /// memory/target, nil where there is none.
        public var legacyTarget: KiB?
        /// Whether memory/target exists, even with a text that is no number.
        public var hasLegacyTarget = false
        /// Whether any vnode has a target.
        public var hasTargets = false
    }
}
