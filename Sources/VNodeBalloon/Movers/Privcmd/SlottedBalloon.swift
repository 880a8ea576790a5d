/// The balloon of one vnode, slot by slot: the slots of its file, and what is known about each.
final class SlottedBalloon {
    let vnode: VNode
    let reserve: any PageReserve
    var slots = SlotTable()
    /// Slots at the end wait to be freed: for the end of a migration, or for the next step.
    var isWaiting = false
    /// The waiting slots that were populated while the domain was being migrated. Xen is asked about them anew before
    /// they are freed.
    var unsent: [Int] = []
    /// The state of the clocks when Xen was asked. The answers count until the domain is suspended.
    var suspension = Suspension(suspended: .zero)
    /// What the intent log says of this vnode.
    var noted = Note.doubts
    /// Every frame is known, because Xen was asked about it or counted it. Nothing moves before.
    var isKnown = false
    /// The recovery that leads there, while it runs.
    var recovery: Recovery?
    /// This process has read and pinned the pages of the file.
    var hasPages = false
    /// First frames of extents that were given and whose page is not in our file any more. Linux believes that it has
    /// RAM there, so they are populated as soon as that works.
    var lost: [UInt64] = []
    /// The lost extents that are RAM again, while their pins are still held.
    var filled: [UInt64] = []
    /// How many more lost extents there are whose frame is not known: the kernel maps a broken page for no process.
    /// They stay pinned.
    var lostNameless = 0
    var isNothingLost: Bool { lost.isEmpty && lostNameless == 0 }
    /// Pages that another program moved from our file into the pool.
    var freedByOthers = 0
    /// How many extents the next populate asks for: the physical node may have no more free 2 MiB extents.
    var populateExtents = Int.max
    /// The holes that are left in the slot that was filled last. They are valid within the same step only.
    var left: (slot: Int, frames: [UInt64])?
    /// None of the pages that Linux handed out last has memory of another physical node, so the next ones will not have
    /// any either.
    var hasLookedForDisplaced = false

    enum Note {
        case nothing
        /// Slots to audit frame by frame. The note says nothing about the pool.
        case doubts
        /// A move, and how many pool pages were not ours before it.
        case move
    }

    init(vnode: VNode, reserve: any PageReserve) {
        self.vnode = vnode
        self.reserve = reserve
    }

    /// Every slot is known now, except those that no process can read.
    var isSettled: Bool { isKnown && recovery == nil && slots.sums.inDoubt == 0 }

    /// Our frames that are ballooned out; nil: not known. Slots that no process can read are not counted.
    var balloonFrames: Frames? { isSettled ? Frames(slots.sums.holes) : nil }

    /// Frees the slots at the end, down to `kept` slots. Only this and ``punch(_:)`` free anything, and only slots all
    /// of whose frames are known to be RAM.
    func free(keeping kept: Int) throws(BalloonError) {
        guard kept < slots.count else { return }
        guard isKnown, reserve.slotCount == slots.count else {
            throw BalloonError(.moved, "the balloon's file is not as long as it should be", vnode: vnode.number)
        }
        for slot in kept..<slots.count { precondition(slots[slot].mayBeFreed, "a hole is never freed (I1)") }
        try reserve.release(keeping: kept)
        slots.removeLast(slots.count - kept)
    }

    /// Frees slots that lie below a slot that has to stay.
    func punch(_ indices: [Int]) throws(BalloonError) {
        for slot in indices { precondition(isKnown && slots[slot].isRAM, "a hole is never freed (I1)") }
        do throws(BalloonError) { try reserve.punch(indices) } catch {
            // Some of the pages may be gone.
            isKnown = false
            throw error
        }
        for slot in indices { slots[slot] = .empty }
    }

    /// Checks that the pages of slots are at the frames where they were, before anything is populated or given there.
    /// - Throws: `.moved`.
    func checkFrames(of range: Range<Int>) throws(BalloonError) {
        guard !range.isEmpty else { return }
        guard range.upperBound <= reserve.slotCount else {
            throw BalloonError(.moved, "the balloon's file has become shorter", vnode: vnode.number)
        }
        let pages = try reserve.pages(of: range)
        for (slot, page) in zip(range, pages) where !slots[slot].isEmpty && page != slots[slot].page {
            // A page that cannot be read any more is still at its frame. Nothing else is wrong with the file.
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
