/// The virtual NUMA layout that Xen gave this domain (XENMEM_get_vnumainfo).
public struct VNUMATopology: Equatable, Sendable {
    /// Guest frames of one vnode. A vnode may have several ranges.
    public struct Range: Equatable, Sendable {
        public let vnode: Int
        /// Guest frame numbers; the end is exclusive.
        public let frames: Swift.Range<UInt64>

        public init(vnode: Int, frames: Swift.Range<UInt64>) {
            self.vnode = vnode
            self.frames = frames
        }
    }

    /// How many vnodes there are; their numbers are 0 up to this.
    public let vnodeCount: Int
    public let ranges: [Range]

    public init(vnodeCount: Int, ranges: [Range]) {
        self.vnodeCount = vnodeCount
        self.ranges = ranges
    }

    /// Memory of a vnode in KiB: the sum of its ranges.
    public func sizeKiB(of vnode: Int) -> UInt64 {
        ranges.reduce(0) { $1.vnode == vnode ? $0 + UInt64($1.frames.count) * 4 : $0 }
    }

    /// Whether all of an extent lies in one range of the vnode.
    public func contains(_ gfn: UInt64, frames count: UInt64, vnode: Int) -> Bool {
        ranges.contains { $0.vnode == vnode && $0.frames.lowerBound <= gfn && gfn + count <= $0.frames.upperBound }
    }
}
