/// What Linux says of one node (from /proc/zoneinfo).
public struct NodeMemory: Equatable, Sendable {
    /// All that the node's zones manage.
    public var managed: KiB
    /// Free memory above the zones' high watermarks. At 0 kswapd is at work, or should be.
    public var free: KiB
    /// ``free`` and what the kernel expects reclaim to give: MemAvailable, reckoned for one node.
    public var available: KiB

    public init(managed: KiB, free: KiB, available: KiB) {
        self.managed = managed
        self.free = free
        self.available = available
    }
}
