/// What is held of one vnode: its slots, and what Xen has behind each of them.
final class Holding {
    /// A 2 MiB page of ours.
    struct Slot: Equatable {
        /// The first guest frame, nil for a slot without a page.
        var gfn: UInt64?
        /// How many of its frames are holes: 0 is RAM, 512 is given. nil: in doubt, so hands off until it was probed.
        var holes: Int?

        static let frames = Int(ExtentBuffer.framesPerExtent)

        var isRAM: Bool { holes == 0 }
        var isGiven: Bool { holes == Slot.frames }
        /// Part RAM, part hole.
        var isMixed: Bool { holes.map { $0 > 0 && $0 < Slot.frames } ?? false }
    }

    let vnode: VNode
    let reserve: any PageReserve
    var slots: [Slot] = []
    /// Slots at the end wait to be freed until the domain is not being migrated any more.
    var isWaiting = false
    /// When they were looked at: what was found counts until the domain is suspended.
    var suspension = Suspension(nanoseconds: 0)
    /// What the intent log says of this vnode.
    var noted = Note.doubts
    /// How well the slots are known. Nothing moves before a look.
    var look = Look.none
    /// First frames of extents that were given and whose page somebody took out of our file, so that Linux believes to
    /// have memory there. They are populated as soon as that works.
    var lost: [UInt64] = []

    /// Pages that others' hands put from our file into the pool.
    var strayPages = 0

    enum Note {
        case nothing
        /// Slots to look at closely; nothing of the pool.
        case doubts
        /// A move, with what others had in the pool before.
        case move
    }

    enum Look {
        case none
        /// Of most extents only two frames were asked about: a gap between them was not seen.
        case quick
        /// Every frame is known: asked about, or counted.
        case exact
    }

    init(vnode: VNode, reserve: any PageReserve) {
        self.vnode = vnode
        self.reserve = reserve
    }

    /// Frames of ours that Xen has.
    var balloonFrames: UInt64 { slots.reduce(0) { $0 + UInt64($1.holes ?? 0) } }

    /// From the first to the last slot that is neither all RAM nor all hole; nil when there is none.
    var doubtfulSlots: Range<Int>? {
        func isDoubtful(_ slot: Slot) -> Bool { !slot.isRAM && !slot.isGiven }
        guard let first = slots.firstIndex(where: isDoubtful) else { return nil }
        return first..<(slots.lastIndex(where: isDoubtful) ?? first) + 1
    }

    /// How many slots are left when what is RAM at the end is freed.
    var slotsToKeep: Int { slots.lastIndex { !$0.isRAM }.map { $0 + 1 } ?? 0 }

    /// Frees what is RAM at the end. The only place where anything is freed: every frame of it is known to be RAM.
    func freeTrailingRAM() throws(BalloonError) {
        let kept = slotsToKeep
        guard kept < slots.count else { return }
        guard look != .none, reserve.slotCount == slots.count else {
            throw BalloonError(.moved, "the balloon's file is not as long as it should be", vnode: vnode.number)
        }
        try reserve.release(keeping: kept)
        slots.removeLast(slots.count - kept)
    }

    /// Checks that slots are where they were, before anything is populated or given there.
    /// - Throws: `.moved`.
    func checkFrames(of range: Range<Int>) throws(BalloonError) {
        guard !range.isEmpty else { return }
        guard range.upperBound <= reserve.slotCount else {
            throw BalloonError(.moved, "the balloon's file has become shorter", vnode: vnode.number)
        }
        let frames = try reserve.frames(of: range)
        for (slot, gfn) in zip(range, frames) where slots[slot].gfn != nil && gfn != slots[slot].gfn {
            throw BalloonError(
                .moved, "slot \(slot) of the balloon is not at the frame where it was; see balloonctl audit",
                vnode: vnode.number)
        }
    }
}
