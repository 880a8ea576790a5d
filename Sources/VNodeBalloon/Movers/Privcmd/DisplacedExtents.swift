/// Records which extents have memory of another physical node, so that the next process knows of them.
public protocol DisplacedLog: AnyObject {
    /// For each extent, by its first frame, how many of its frames came from another physical node.
    /// - Throws: `.busy`, `.descriptors`, `.system`: the log cannot be read, so what it says is not known.
    func displaced() throws(BalloonError) -> [UInt64: Int]
    /// - Parameters:
    ///   - extents: with 0 frames: the extent has no such memory any more. Extents that are not listed stay as noted.
    ///   - before: all that was noted before. It is written again where another program removed the log.
    /// - Throws: `.system`.
    func note(_ extents: [(gfn: UInt64, frames: Int)], after before: [UInt64: Int]) throws(BalloonError)
}

/// The extents that have memory of another physical node than their vnode's. The counts are upper bounds: they are
/// noted before Xen is asked, and Xen does not say afterwards whether it took some of the memory from the vnode's own
/// node after all.
final class DisplacedExtents {
    private let log: any DisplacedLog
    private let topology: VNUMATopology
    private var frames: [UInt64: Int]
    private var sums: [Int: Int] = [:]

    /// - Throws: what ``DisplacedLog/displaced()`` throws.
    init(_ log: any DisplacedLog, _ topology: VNUMATopology) throws(BalloonError) {
        self.log = log
        self.topology = topology
        frames = [:]
        for (gfn, count) in try log.displaced() { set(gfn, count) }
    }

    /// The list lies in memory, so it has an upper limit. When it is full, no more memory is taken from other nodes.
    static let most = 1 << 16
    var isFull: Bool { frames.count >= Self.most }

    func sum(vnode: Int) -> Frames { Frames(UInt64(sums[vnode] ?? 0)) }
    func contains(_ gfn: UInt64) -> Bool { frames[gfn] != nil }

    /// Notes that this many more frames of each extent may come from other physical nodes.
    /// - Throws: `.system`. Nothing is noted then.
    func add(_ extents: [(gfn: UInt64, frames: Int)]) throws(BalloonError) {
        let whole = Int(ExtentBuffer.framesPerExtent)
        try change(extents.map { ($0.gfn, min(whole, (frames[$0.gfn] ?? 0) + $0.frames)) })
    }

    /// Xen did not populate this many frames of each extent after all.
    func subtract(_ extents: [(gfn: UInt64, frames: Int)]) throws(BalloonError) {
        try change(extents.map { ($0.gfn, max(0, (frames[$0.gfn] ?? 0) - $0.frames)) })
    }

    /// These extents were given to Xen, so they have no memory of another node any more.
    func forget(_ extents: [UInt64]) throws(BalloonError) {
        try change(extents.filter(contains).map { ($0, 0) })
    }

    private func change(_ extents: [(gfn: UInt64, frames: Int)]) throws(BalloonError) {
        if extents.isEmpty { return }
        try log.note(extents, after: frames)
        for (gfn, count) in extents { set(gfn, count) }
    }

    private func set(_ gfn: UInt64, _ count: Int) {
        let size = ExtentBuffer.framesPerExtent
        // This process and its predecessors note only extents of a vnode. Any other line is ignored.
        guard let vnode = topology.ranges.first(where: { $0.frames.contains(gfn) })?.vnode, gfn % size == 0 else {
            return
        }
        sums[vnode, default: 0] += count - (frames[gfn] ?? 0)
        frames[gfn] = count == 0 ? nil : count
    }
}
