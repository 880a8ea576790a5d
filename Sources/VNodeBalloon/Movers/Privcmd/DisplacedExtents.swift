/// Where the extents are noted that have memory of another physical node, so that the next process knows of them.
public protocol DisplacedLog: AnyObject {
    /// The number of such frames of each extent, by its first frame.
    /// - Throws: `.busy`, `.descriptors`, `.system`: it is not known what was noted.
    func displaced() throws(BalloonError) -> [UInt64: Int]
    /// - Parameters:
    ///   - extents: 0: it has none any more. What is not listed stays as it is.
    ///   - before: all that was noted before, for a log that another program removed.
    /// - Throws: `.system`.
    func note(_ extents: [(gfn: UInt64, frames: Int)], after before: [UInt64: Int]) throws(BalloonError)
}

/// The extents that have memory of another physical node than their vnode's, at most: they are noted before Xen is asked, and
/// where Xen took some of it from the vnode's own node after all, nothing tells.
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

    /// More of them are not noted, and so not taken: the list lies in memory.
    static let most = 1 << 16
    var isFull: Bool { frames.count >= Self.most }

    func sum(vnode: Int) -> Frames { Frames(UInt64(sums[vnode] ?? 0)) }
    func contains(_ gfn: UInt64) -> Bool { frames[gfn] != nil }

    /// Notes that so many more frames of each extent may come from elsewhere.
    /// - Throws: `.system`; then nothing is noted.
    func add(_ extents: [(gfn: UInt64, frames: Int)]) throws(BalloonError) {
        let whole = Int(ExtentBuffer.framesPerExtent)
        try change(extents.map { ($0.gfn, min(whole, (frames[$0.gfn] ?? 0) + $0.frames)) })
    }

    /// So many frames of each extent were not populated after all.
    func subtract(_ extents: [(gfn: UInt64, frames: Int)]) throws(BalloonError) {
        try change(extents.map { ($0.gfn, max(0, (frames[$0.gfn] ?? 0) - $0.frames)) })
    }

    /// The memory of these extents is Xen's again.
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
        // An extent that lies in no vnode was never noted.
        guard let vnode = topology.ranges.first(where: { $0.frames.contains(gfn) })?.vnode, gfn % size == 0 else {
            return
        }
        sums[vnode, default: 0] += count - (frames[gfn] ?? 0)
        frames[gfn] = count == 0 ? nil : count
    }
}
