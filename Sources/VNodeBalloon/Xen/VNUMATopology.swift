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

    /// How many vnodes there are, numbered from 0.
    public let vnodeCount: Int
    public let ranges: [Range]

    public init(vnodeCount: Int, ranges: [Range]) {
        self.vnodeCount = vnodeCount
        self.ranges = ranges
    }

    /// One more than the highest possible frame: addresses have at most 52 bits.
    public static let frameLimit: UInt64 = 1 << 40

    /// Takes the ranges from Xen, in any order, if they are consistent. With a wrong layout a frame would be given for
    /// one vnode and be missing in another one.
    ///
    /// - Parameter untrusted: for each range its vnode, its first frame, and the frame after its last one. Ranges
    ///   without a whole frame are left out.
    /// - Throws: `.unsupportedGuest` for a vnode that does not exist, for frames above all addresses, and where two
    ///   ranges overlap.
    public init(
        vnodeCount: Int, untrusted: [(vnode: UInt32, start: UInt64, end: UInt64)]
    ) throws(BalloonError) {
        func senseless(_ what: String) -> BalloonError {
            BalloonError(
                .unsupportedGuest,
                "the virtual NUMA layout that Xen gives this guest makes no sense: \(what); mend vnuma= in its configuration"
            )
        }
        guard vnodeCount > 0 else { throw senseless("it has no vnodes") }
        var ranges: [Range] = []
        for range in untrusted {
            guard range.vnode < vnodeCount else { throw senseless("a range of vnode \(range.vnode) of \(vnodeCount)") }
            guard range.start < range.end else { continue }
            guard range.end <= Self.frameLimit else { throw senseless("memory behind all addresses") }
            ranges.append(Range(vnode: Int(range.vnode), frames: range.start..<range.end))
        }
        let sorted = ranges.sorted { $0.frames.lowerBound < $1.frames.lowerBound }
        for (one, next) in zip(sorted, sorted.dropFirst()) where next.frames.lowerBound < one.frames.upperBound {
            throw senseless("frame \(next.frames.lowerBound) is in vnode \(one.vnode) and in vnode \(next.vnode)")
        }
        self.init(vnodeCount: vnodeCount, ranges: ranges)
    }

    /// Memory of a vnode: the sum of its ranges.
    public func size(of vnode: Int) -> KiB {
        ranges.reduce(.zero) { $1.vnode == vnode ? $0 + Frames(UInt64($1.frames.count)).kib : $0 }
    }

    /// Whether all of an extent lies in one range of the vnode.
    public func contains(_ gfn: UInt64, frames count: UInt64, vnode: Int) -> Bool {
        ranges.contains { range in
            range.vnode == vnode && range.frames.contains(gfn) && count <= range.frames.upperBound - gfn
        }
    }
}
