/// The 2 MiB pages of one vnode that belong to the balloon: slots of a file that nothing else uses.
///
/// Slots are numbered from 0 without gaps; the reserve grows and shrinks at its end. It knows nothing of Xen: whoever
/// calls it decides what is given, and calls ``release(keeping:)`` only for slots whose 512 frames are RAM.
public protocol PageReserve: AnyObject {
    /// Slots there are, as far as this process made or found them.
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
    /// - Parameters:
    ///   - interrupted: the move that was under way, nil when there was none or nothing is known of it.
    ///   - rescue: told the frames that were found, before the old pins are let go: pages that are in no slot any more are
    ///     kept from Linux by nothing else. Says whether all of those are RAM; if not, their pins stay.
    /// - Returns: the first frame of each slot, nil for one that has no page.
    /// - Throws: `.moved` when a page is there but cannot be looked at; `.system`.
    func recover(
        interrupted: InterruptedMove?, rescue: ([UInt64?]) throws(BalloonError) -> Bool
    ) throws(BalloonError) -> [UInt64?]

    /// What the file is now, whatever others did to it.
    func fileState() throws(BalloonError) -> FileState

    /// Takes pages out of the pool that somebody else's hand put there by freeing our slots. They are RAM by now.
    func removeFromPool(_ pages: Int) throws(BalloonError)

    /// Begins with another file, once all slots of one that lost its name were released.
    func renew() throws(BalloonError)
}

extension PageReserve {
    /// The same where nothing can have gone.
    public func recover(interrupted: InterruptedMove?) throws(BalloonError) -> [UInt64?] {
        try recover(interrupted: interrupted) { _ in true }
    }
}

/// A balloon's file as it is found.
public struct FileState: Equatable, Sendable {
    public enum Name: Sendable {
        /// It leads to our file.
        case ours
        /// There is none: our pages would be freed with the last descriptor, and no new process would find them.
        case gone
        /// It leads to a file that is not ours.
        case another
    }

    public var slots: Int
    /// Slots that have a page.
    public var pages: Int
    public var name: Name
    /// Pages that were taken out of the file while nobody looked. They may be holes; nobody knows which frames they are,
    /// and they stay pinned for ever.
    public var strayPins: Int

    public init(slots: Int, pages: Int, name: Name, strayPins: Int = 0) {
        self.slots = slots
        self.pages = pages
        self.name = name
        self.strayPins = strayPins
    }
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
