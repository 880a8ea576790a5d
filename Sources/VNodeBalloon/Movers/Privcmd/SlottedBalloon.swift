/// What one vnode gave slot by slot: its file's slots, and how far they are known.
final class SlottedBalloon {
    let vnode: VNode
    let reserve: any PageReserve
    var slots = SlotTable()
    /// Slots at the end wait to be freed: until the domain is not being migrated any more, or for the next step.
    var isWaiting = false
    /// Those of them that were populated while the domain was being migrated: Xen is asked about them anew before they are
    /// freed.
    var unsent: [Int] = []
    /// When Xen was asked about them: what was found counts until the domain is suspended.
    var suspension = Suspension(suspended: .zero)
    /// What the intent log says of this vnode.
    var noted = Note.doubts
    /// Every frame is known: Xen was asked about it, or counted it. Nothing moves before.
    var isKnown = false
    /// The recovery, while it is under way.
    var recovery: Recovery?
    /// The file's pages were read, and pinned by this process.
    var hasPages = false
    /// First frames of extents that were given and whose page is not in our file any more, so that Linux believes to
    /// have memory there. They are populated as soon as that works.
    var lost: [UInt64] = []
    /// Those that are memory again, while their pins have not gone yet.
    var filled: [UInt64] = []
    /// How many more there are of unknown frame: the kernel maps a broken page for no process. They stay pinned.
    var lostNameless = 0
    var isNothingLost: Bool { lost.isEmpty && lostNameless == 0 }
    /// Pages that a foreign hand put from our file into the pool.
    var freedByOthers = 0
    /// How many extents the next populate asks for: the physical node may have no more 2 MiB in one piece.
    var populateExtents = Int.max
    /// The holes of the slot that was filled last. They count in the same step alone.
    var left: (slot: Int, frames: [UInt64])?
    /// None of the pages that Linux handed out last has memory of another physical node: the next ones will not, either.
    var hasLookedForDisplaced = false

    enum Note {
        case nothing
        /// Slots to audit frame by frame; nothing of the pool.
        case doubts
        /// A move, with the pool's pages that were not ours before it.
        case move
    }

    init(vnode: VNode, reserve: any PageReserve) {
        self.vnode = vnode
        self.reserve = reserve
    }

    /// Every slot is known now, but for those that no process can read.
    var isSettled: Bool { isKnown && recovery == nil && slots.sums.inDoubt == 0 }

    /// Frames of ours that are ballooned out; nil: not known. Slots that no process can read are not part of it.
    var balloonFrames: Frames? { isSettled ? Frames(slots.sums.holes) : nil }

    /// Frees what may be freed at the end, down to `kept` slots. The only place, with ``punch(_:)``, where anything is freed:
    /// every frame of it is known to be RAM.
    func free(keeping kept: Int) throws(BalloonError) {
        guard kept < slots.count else { return }
        guard isKnown, reserve.slotCount == slots.count else {
            throw BalloonError(.moved, "the balloon's file is not as long as it should be", vnode: vnode.number)
        }
        for slot in kept..<slots.count { precondition(slots[slot].mayBeFreed, "a hole is never freed (I1)") }
        try reserve.release(keeping: kept)
        slots.removeLast(slots.count - kept)
    }

    /// Frees slots that lie below one that has to stay.
    func punch(_ indices: [Int]) throws(BalloonError) {
        for slot in indices { precondition(isKnown && slots[slot].isRAM, "a hole is never freed (I1)") }
        try reserve.punch(indices)
        for slot in indices { slots[slot] = .empty }
    }

    /// Checks that slots are where they were, before anything is populated or given there.
    /// - Throws: `.moved`.
    func checkFrames(of range: Range<Int>) throws(BalloonError) {
        guard !range.isEmpty else { return }
        guard range.upperBound <= reserve.slotCount else {
            throw BalloonError(.moved, "the balloon's file has become shorter", vnode: vnode.number)
        }
        let pages = try reserve.pages(of: range)
        for (slot, page) in zip(range, pages) where !slots[slot].isEmpty && page != slots[slot].page {
            // A page that cannot be read any more stays where it is, and nothing else is wrong.
            if page == .unreadable {
                slots[slot] = SlotTable.Slot(page: .unreadable, gfn: slots[slot].gfn, holes: nil)
                continue
            }
            throw BalloonError(
                .moved, "slot \(slot) of the balloon is not at the frame where it was; see balloonctl audit",
                vnode: vnode.number)
        }
    }
}
