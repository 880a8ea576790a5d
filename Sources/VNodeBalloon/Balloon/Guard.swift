/// How much of a node's memory the guest keeps.
public struct Guard: Equatable, Sendable {
    /// What Linux says of one node, in KiB (from /proc/zoneinfo).
    public struct NodeMemory: Equatable, Sendable {
        /// All that the node's zones manage.
        public var managedKiB: UInt64
        /// Free + half of what reclaim gives back easily (inactive file pages, reclaimable slab).
        public var availableKiB: UInt64
        /// The sum of the zones' high watermarks.
        public var highWatermarksKiB: UInt64

        public init(managedKiB: UInt64, availableKiB: UInt64, highWatermarksKiB: UInt64) {
            self.managedKiB = managedKiB
            self.availableKiB = availableKiB
            self.highWatermarksKiB = highWatermarksKiB
        }
    }

    /// The least that any node keeps, in KiB.
    public static let leastKiB: UInt64 = 32 * 1024

    /// The configured `min-free`, in KiB.
    public var minFreeKiB: UInt64

    public init(minFreeKiB: UInt64 = 0) { self.minFreeKiB = minFreeKiB }

    /// What the node keeps, in KiB: the largest of 32 MiB, 5 % of the node, its high watermarks, `min-free`.
    ///
    /// Above its high watermarks a node's kswapd sleeps.
    public func keptKiB(on node: NodeMemory) -> UInt64 {
        max(Self.leastKiB, node.managedKiB / 20, node.highWatermarksKiB, minFreeKiB)
    }

    /// How many extents of `extentKiB` may be taken from the node now.
    public func extents(on node: NodeMemory, extentKiB: UInt64) -> Int {
        let kept = keptKiB(on: node)
        return node.availableKiB <= kept ? 0 : Int((node.availableKiB - kept) / extentKiB)
    }
}
