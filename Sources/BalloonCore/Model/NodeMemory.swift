/// The memory of one Linux node (from /proc/zoneinfo).
public struct NodeMemory: Equatable, Sendable {
    /// All memory that the node's zones manage.
    public var managed: KiB
    /// Free memory above the zones' high watermarks. At 0 kswapd is reclaiming, or should be.
    public var free: KiB
    /// ``free`` plus what the kernel expects to reclaim: MemAvailable, computed for one node.
    public var available: KiB

    public init(managed: KiB, free: KiB, available: KiB) {
        self.managed = managed
        self.free = free
        self.available = available
    }
}
