/// What Linux says of one node, in KiB (from /proc/zoneinfo).
public struct NodeMemory: Equatable, Sendable {
    /// All that the node's zones manage.
    public var managedKiB: UInt64
    /// Free memory above the zones' high watermarks. At 0 kswapd is at work, or should be.
    public var freeKiB: UInt64
    /// ``freeKiB`` and what the kernel expects reclaim to give: MemAvailable, reckoned for one node.
    public var availableKiB: UInt64

    public init(managedKiB: UInt64, freeKiB: UInt64, availableKiB: UInt64) {
        self.managedKiB = managedKiB
        self.freeKiB = freeKiB
        self.availableKiB = availableKiB
    }
}
