/// The 2 MiB pages of one vnode that belong to the balloon: slots of a file that nothing else uses.
///
/// Slots are numbered from 0 without gaps; the reserve grows and shrinks at its end. It knows nothing of Xen: whoever
/// calls it decides what is given, and calls ``release(keeping:)`` only for slots whose 512 frames are RAM.
public protocol PageReserve: AnyObject {
    /// Slots there are.
    var slotCount: Int { get }

    /// 2 MiB pages in the node's pool that are not ours, when last looked at. Noted before anything is moved, so that
    /// what a killed process left behind can be told from what others set aside.
    func foreignPoolPages() throws(BalloonError) -> Int

    /// Takes up to `count` pages from the vnode's node: pool grown, slots added, bound, faulted in (which clears them),
    /// pinned and handed to the keeper, their frame numbers read and checked, unmapped.
    ///
    /// - Returns: the first frame of each new slot, in order; fewer than `count`, or none, when the node has no more.
    /// - Throws: `.system`, `.moved`. Slots that were added are taken back before.
    func acquire(_ count: Int) throws(BalloonError) -> [UInt64]

    /// The first frames of slots, read again from pagemap, nil where a slot has no page that is exactly one extent.
    /// A slot's page is neither read nor written.
    func frames(of slots: Range<Int>) throws(BalloonError) -> [UInt64?]

    /// Frees the slots from `keeping` up: unpins them, shrinks the file, and the pool by what it grew.
    func release(keeping: Int) throws(BalloonError)

    /// After a start: maps, pins and reads every slot there is. Pool pages of ours that a killed process left unused
    /// are taken out of the pool.
    ///
    /// - Parameter interrupted: the move that was under way, nil when there was none or nothing is known of it.
    /// - Returns: the first frame of each slot, nil for one that has no page.
    /// - Throws: `.moved` when a page is there but cannot be looked at; `.system`.
    func recover(interrupted: InterruptedMove?) throws(BalloonError) -> [UInt64?]

    /// Whether somebody removed the file: its pages would be freed with the last descriptor.
    func isRemoved() throws(BalloonError) -> Bool
}

/// A move that did not end before the process did.
public struct InterruptedMove: Equatable, Sendable {
    /// Slots in motion.
    public let slots: Range<Int>
    /// Pool pages of others before it began.
    public let foreignPoolPages: Int
    /// How many pool pages it was about, at most.
    public let poolPages: Int

    /// - Parameter poolPages: one a slot, unless said otherwise.
    public init(slots: Range<Int>, foreignPoolPages: Int, poolPages: Int? = nil) {
        self.slots = slots
        self.foreignPoolPages = foreignPoolPages
        self.poolPages = poolPages ?? slots.count
    }
}
