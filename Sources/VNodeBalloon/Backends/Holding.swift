/// What is held of one vnode: its slots, and how far they are known.
final class Holding {
    let vnode: VNode
    let reserve: any PageReserve
    var slots = SlotTable()
    /// Slots at the end wait to be freed: until the domain is not being migrated any more, or for the next step.
    var isWaiting = false
    /// Those of them that were populated while the domain was being migrated: Xen is asked about them anew before they are
    /// freed.
    var unsent: [Int] = []
    /// When Xen was asked about them: what was found counts until the domain is suspended.
    var suspension = Suspension(nanoseconds: 0)
    /// What the intent log says of this vnode.
    var noted = Note.doubts
    /// Every frame is known: Xen was asked about it, or counted it. Nothing moves before.
    var isKnown = false
    /// The way to that, while it is under way.
    var recovery: Recovery?
    /// The file's pages were read, and pinned by this process.
    var hasPages = false
    /// First frames of extents that were given and whose page is not in our file any more, so that Linux believes to
    /// have memory there. They are populated as soon as that works.
    var lost: [UInt64] = []
    /// Those that are memory again, while their pins have not gone yet.
    var filled: [UInt64] = []
    /// How many more there are whose frame nobody knows: the kernel maps a broken page for nobody. They stay pinned.
    var lostNameless = 0
    var isNothingLost: Bool { lost.isEmpty && lostNameless == 0 }
    /// Pages that a foreign hand put from our file into the pool.
    var strayPages = 0
    /// How many extents the next populate asks for: the physical node may have no more 2 MiB in one piece.
    var populateExtents = Int.max

    enum Note {
        case nothing
        /// Slots to look at closely; nothing of the pool.
        case doubts
        /// A move, with what others had in the pool before.
        case move
    }

    init(vnode: VNode, reserve: any PageReserve) {
        self.vnode = vnode
        self.reserve = reserve
    }

    /// Every slot is known now, but for those that nobody can read.
    var isSettled: Bool { isKnown && recovery == nil && slots.sums.inDoubt == 0 }

    /// Frames of ours that Xen has; nil: not known. What nobody can read is not part of it.
    var balloonFrames: UInt64? { isSettled ? slots.sums.holes : nil }

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

/// How far a vnode is on its way to be known.
struct Recovery {
    enum Stage {
        /// The pages of the file are read, and pinned anew.
        case pages
        /// What left the file becomes memory again, from this one of the lost extents on.
        case lost(next: Int)
        /// The new pins take the place of the old ones.
        case pins(isAllBack: Bool)
        /// Xen is asked about each slot from this one on: two frames of an extent, or all of them where that may not do.
        case slots(next: Int)
        /// All slots were asked about. Those of other vnodes have to be, too, before all memory can be added up.
        case sum
        /// Xen is asked about every frame, from this slot on.
        case everyFrame(next: Int)
        /// Xen is asked about the slots in doubt, from this one on.
        case doubts(next: Int)
    }

    var stage: Stage
    /// The move that a killed process had begun.
    var interrupted: InterruptedMove?
    /// Nothing is known of what was under way: all slots are in doubt.
    var isUnreadable = false
    /// What was read of the file so far, and what of it is not where it was.
    var found = SlotTable()
    var differences = Differences()

    struct Differences {
        /// First frames that were in slots which have other pages now, and whose memory may be holes.
        var gone: [UInt64] = []
        /// The slots of all that may be holes, and how many of them had a page whose frame is not known: a broken one.
        var slots: [Int] = []
        var nameless = 0
        /// How many pages there were, and are, in such slots.
        var before = 0
        var after = 0
    }
}

/// What is told of a recovery.
public enum RecoveryProgress: Equatable, Sendable {
    /// There is more to do. Slots that were asked about, of all.
    case going(done: Int, of: Int)
    /// It goes on when the other vnodes are as far.
    case waiting
    /// Everything is known.
    case done
}
