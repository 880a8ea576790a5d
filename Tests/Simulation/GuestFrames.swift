/// What is behind one guest frame.
public struct GuestFrame: Equatable, Sendable {
    public enum Kind: UInt8, Sendable {
        case ram
        case hole
        /// A frame of a device or of the firmware. It cannot be given, and to populate it ends the domain.
        case special
        /// Memory of another domain that is mapped here. It reads as RAM. It cannot be given, and to populate it ends
        /// the domain.
        case foreign
        /// RAM that Xen cannot take out of the map at the moment.
        case stuck
    }

    public var kind: Kind
    /// The physical node of the memory, if it is the domain's own.
    public var pnode: Int

    public init(_ kind: Kind, pnode: Int) {
        self.kind = kind
        self.pnode = pnode
    }

    /// Whether it is charged to the domain.
    public var isOwn: Bool { kind == .ram || kind == .stuck }
}

/// Xen's map of guest frames (the P2M).
///
/// A block whose 512 frames are alike is stored as one, so that a simulation of gigabytes is quick.
struct GuestFrames {
    private enum Block {
        case uniform(GuestFrame)
        case mixed([GuestFrame])
    }

    private var blocks: [Block]

    init(blocks: Int, each frame: GuestFrame) { self.blocks = .init(repeating: .uniform(frame), count: blocks) }

    var blockCount: Int { blocks.count }

    /// A frame that is not in the map reads as a hole.
    subscript(gfn: UInt64) -> GuestFrame {
        get {
            guard gfn >> 9 < UInt64(blocks.count) else { return GuestFrame(.hole, pnode: 0) }
            switch blocks[Int(gfn >> 9)] {
            case .uniform(let frame): return frame
            case .mixed(let frames): return frames[Int(gfn & 511)]
            }
        }
        set {
            let index = Int(gfn >> 9)
            if case .uniform(let frame) = blocks[index] {
                if frame == newValue { return }
                blocks[index] = .mixed(.init(repeating: frame, count: 512))
            }
            guard case .mixed(var frames) = blocks[index] else { return }
            // This drops the old list before the change: otherwise each frame would copy the list.
            blocks[index] = .uniform(newValue)
            frames[Int(gfn & 511)] = newValue
            blocks[index] = .mixed(frames)
        }
    }

    /// The frame that all 512 frames of a block equal; nil: they differ.
    func uniform(block: Int) -> GuestFrame? {
        if case .uniform(let frame) = blocks[block] { return frame }
        return nil
    }

    mutating func set(block: Int, to frame: GuestFrame) { blocks[block] = .uniform(frame) }

    /// Stores a block as one frame again once its frames have become alike.
    mutating func merge(block: Int) {
        guard block < blocks.count, case .mixed(let frames) = blocks[block] else { return }
        if frames.allSatisfy({ $0 == frames[0] }) { blocks[block] = .uniform(frames[0]) }
    }

    /// How many frames of a block match.
    func count(block: Int, where matches: (GuestFrame) -> Bool) -> Int {
        switch blocks[block] {
        case .uniform(let frame): return matches(frame) ? 512 : 0
        case .mixed(let frames): return frames.count(where: matches)
        }
    }
}
