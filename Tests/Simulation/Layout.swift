public import VNodeBalloon

/// The shape of a simulated host and guest.
public struct Layout: Sendable {
    /// The physical node of each vnode.
    public var pnodes: [Int]
    /// 2 MiB blocks of each vnode.
    public var blocksPerVNode: Int
    /// Free memory of each physical node besides the guest, in frames.
    public var hostFreeFrames: UInt64
    /// 2 MiB pages that an administrator set aside in the pool of each node before the daemon first ran.
    public var foreignPages: Int
    /// False: the guest has one vnode, and no virtual NUMA layout.
    public var hasVNUMA: Bool
    /// Blocks at the end of each vnode's Linux node that Linux hot-added. They belong to no vnode.
    public var hotAddedBlocks = 0

    public init(
        pnodes: [Int] = [0, 1], blocksPerVNode: Int = 24, hostFreeFrames: UInt64 = 0, foreignPages: Int = 0,
        hasVNUMA: Bool = true
    ) {
        self.pnodes = pnodes
        self.blocksPerVNode = blocksPerVNode
        self.hostFreeFrames = hostFreeFrames
        self.foreignPages = foreignPages
        self.hasVNUMA = hasVNUMA
    }

    /// Frames at low addresses that are no memory.
    static let lowHoles: Range<UInt64> = 0xA0..<0xC0
    public static let firmware: Range<UInt64> = 0xF0..<0x100

    var pnodeCount: Int { (pnodes.max() ?? 0) + 1 }

    /// How many frames each physical node has.
    var hostFrames: [UInt64] {
        var frames = [UInt64](repeating: hostFreeFrames, count: pnodeCount)
        for pnode in pnodes { frames[pnode] += UInt64(blocksPerVNode) * 512 }
        frames[pnodes[0]] -= UInt64(Self.lowHoles.count + Self.firmware.count)
        return frames
    }

    /// The firmware's memory map.
    package var firmwareMap: [FirmwareRange] {
        // Swift 6.2 does not find out which type a literal has here.
        let end: UInt64 = UInt64(blockCount) * 512
        let ram: [Range<UInt64>] = [
            0..<Self.lowHoles.lowerBound, Self.lowHoles.upperBound..<Self.firmware.lowerBound,
            Self.firmware.upperBound..<end,
        ]
        func range(_ frames: Range<UInt64>, _ type: String) -> FirmwareRange {
            .init(start: frames.lowerBound * 4096, end: frames.upperBound * 4096, type: type)
        }
        return ram.map { range($0, "System RAM") } + [range(Self.firmware, "Reserved")]
    }

    var blockCount: Int { pnodes.count * blocksPerVNode }
    func blocks(of vnode: Int) -> Range<Int> { vnode * blocksPerVNode..<(vnode + 1) * blocksPerVNode }
    func vnode(ofBlock block: Int) -> Int { block / blocksPerVNode }

    /// The answer of XENMEM_get_vnumainfo.
    var topology: VNUMATopology? {
        guard hasVNUMA else { return nil }
        let ranges = pnodes.indices.map { vnode in
            let blocks = blocks(of: vnode)
            return VNUMATopology.Range(
                vnode: vnode, frames: UInt64(blocks.lowerBound) * 512..<UInt64(blocks.upperBound - hotAddedBlocks) * 512
            )
        }
        return VNUMATopology(vnodeCount: pnodes.count, ranges: ranges)
    }

    /// The vnodes as the product sees them. Linux's numbers of the nodes run the other way, which Linux is free to do.
    public var vnodes: [VNode] {
        pnodes.indices.map {
            VNode(number: $0, linuxNode: pnodes.count - 1 - $0, size: .mib(2) * UInt64(blocksPerVNode))
        }
    }
}

/// What the guest's kernel does with a 2 MiB block.
enum Use: Equatable {
    /// The kernel's own block: it is never free.
    case kernel
    case free
    /// A free page of the pool.
    case pool
    /// A page of the balloon's file.
    case ours(slot: Int)
    /// A block of another program, in the pool or outside.
    case others
}

/// The guest's memory of one vnode, and the balloon's file on it.
struct Node {
    /// A slot of the file.
    struct Page {
        /// nil: the file is that long, but there is no page.
        var block: Int?
        /// Whether this process pins it.
        var isPinnedHere = false
        /// Whether a pin that outlives the process pins it.
        var isKept = false

        var isPinned: Bool { isPinnedHere || isKept }
    }

    /// Free blocks, taken from the end.
    var free: [Int] = []
    /// Free pages of the pool, including those that an administrator set aside.
    var poolFree: [Int] = []
    /// How many pages of the pool an administrator set aside, used or not.
    var setAside = 0
    /// Blocks that other programs use: `poolUsed` from the pool, `hogged` from free memory.
    var poolUsed: [Int] = []
    var hogged: [Int] = []
    var slots: [Page] = []
    /// Where the file's name leads. A file without a name is still kept by the keeper, and the next process finds it
    /// there.
    var fileName = FoundFile.Name.ours
    /// Changes when another file takes the place of this one.
    var fileNumber = 1

    /// Slots that have a page.
    var pages: Int { slots.count { $0.block != nil } }
    mutating func losePins() {
        for slot in slots.indices { slots[slot].isPinnedHere = false }
    }
}
