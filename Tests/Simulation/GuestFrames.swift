/// What is behind one guest frame.
public struct GuestFrame: Equatable, Sendable {
    public enum Kind: UInt8, Sendable {
        case ram
        case hole
        /// A device's or the firmware's: cannot be given, and populating it ends the domain.
        case special
        /// Memory of another domain, mapped here: reads as RAM, cannot be given, and populating it ends the domain.
        case foreign
        /// RAM that Xen will not take out of the map just now.
        case stuck
    }

    public var kind: Kind
    /// The physical node that the memory comes from, where it is the domain's own.
    public var pnode: Int

    public init(_ kind: Kind, pnode: Int) {
        self.kind = kind
        self.pnode = pnode
    }

    /// Charged to the domain.
    public var isOwn: Bool { kind == .ram || kind == .stuck }
}

/// Xen's map of guest frames (the P2M).
///
/// 512 frames that are alike are kept as one, so that a simulation of gigabytes is quick.
struct GuestFrames {
    private enum Block {
        case uniform(GuestFrame)
        case mixed([GuestFrame])
    }

    private var blocks: [Block]

    init(blocks: Int, each frame: GuestFrame) { self.blocks = .init(repeating: .uniform(frame), count: blocks) }

    var blockCount: Int { blocks.count }

    /// A frame that the map does not have is a hole.
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
            // Let go of the old list first: a copy of it for each frame would be slow.
            blocks[index] = .uniform(newValue)
            frames[Int(gfn & 511)] = newValue
            blocks[index] = .mixed(frames)
        }
    }

    /// The frame that all 512 of a block are like, nil when they differ.
    func uniform(block: Int) -> GuestFrame? {
        if case .uniform(let frame) = blocks[block] { return frame }
        return nil
    }

    mutating func set(block: Int, to frame: GuestFrame) { blocks[block] = .uniform(frame) }

    /// Makes one of frames that have become alike.
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
