/// The 2 MiB pages of one vnode that belong to the balloon: slots of a file that nothing else uses.
///
/// Slots are numbered from 0 without gaps; the reserve grows and shrinks at its end. It knows nothing of Xen: the
/// backend decides what is given, and calls ``release(keeping:)`` only for slots whose 512 frames are RAM.
public protocol PageReserve: AnyObject {
    /// This process only reads: it gives and frees nothing, and its pins end with it.
    var isReading: Bool { get }

    /// Slots there are, as far as this process made or found them.
    var slotCount: Int { get }

    /// 2 MiB pages in the node's pool that are not ours. Noted before anything is moved, so that the next process can
    /// tell what a killed one left behind from what an administrator set aside.
    func foreignPoolPages() throws(BalloonError) -> Int

    /// Takes up to `count` pages from the vnode's node: pool grown, slots added, bound, faulted in (which clears them),
    /// pinned and handed to the keeper, their frame numbers read and checked, unmapped.
    ///
    /// - Returns: the first frame of each new slot, in order; fewer than `count`, or none, when the node has no more.
    /// - Throws: `.system`, `.moved`. Slots that were added are taken back before.
    func acquire(_ count: Int) throws(BalloonError) -> [UInt64]

    /// What is behind slots, read again from pagemap. A slot's page is neither read nor written.
    func pages(of slots: Range<Int>) throws(BalloonError) -> [SlotPage]

    /// Frees the slots from `keeping` up: unpins them, shrinks the file, and the pool by what it grew.
    func release(keeping: Int) throws(BalloonError)

    /// Frees single slots, all of whose frames are RAM, that lie below one that has to stay: unpins just these, punches
    /// them out of the file, and shrinks the pool by what came free. The slots stay, without a page.
    /// - Throws: `.system`.
    func punch(_ slots: [Int]) throws(BalloonError)

    /// Pages that were taken out of the file while no daemon ran. They may be holes. Their frames are not known, and
    /// they stay pinned forever.
    ///
    /// How many pages are pinned because of that. Some of them may be in the file as well, where it is not known which
    /// one is lost.
    var strayPins: Int { get }
    /// How many of them are no longer in the file.
    var strayPages: Int { get }

    /// Begins to find out what is in the file: after a start, or when it is not what it was. Slots that were never given
    /// are cut off. What an earlier call began is begun anew.
    /// - Throws: `.system`.
    func beginRecovery() throws(BalloonError)

    /// Maps, pins anew and reads the next slots, a bounded number of them. Old pins stay. After an error the same slots
    /// can be tried again.
    /// - Returns: what is behind them; empty once all slots were seen.
    /// - Throws: `.descriptors`, `.system`.
    func recoverNext() throws(BalloonError) -> [SlotPage]

    /// Lets new pins take the place of the old ones, a bounded number a call, once all slots were seen. Then pool pages
    /// of ours that a killed process left unused are taken out of the pool.
    ///
    /// - Parameters:
    ///   - move: what was under way.
    ///   - isAllBack: pages that are in no slot any more are RAM by now. If not, their pins stay: nothing else keeps
    ///     Linux from using them.
    /// - Returns: false when it is to be called again.
    /// - Throws: `.moved` when a page is there that no slot shows; `.descriptors`, `.system`.
    func endRecovery(after move: BrokenMove, isAllBack: Bool) throws(BalloonError) -> Bool
    /// Pages that may be holes have left the file since the last recovery: the pins of that recovery have them.
    /// - Parameter slots: where they were.
    func notePagesLost(_ slots: [Int])

    /// The file as it is now. Other programs may have changed it.
    func lookAtFile() throws(BalloonError) -> FoundFile

    /// Takes pages out of the pool that another program put there by freeing our slots. They are RAM by now.
    func removeFromPool(_ pages: Int) throws(BalloonError)

    /// Begins with another file, once all slots of one that lost its name were released.
    func renew() throws(BalloonError)
}

/// What is behind a slot of a balloon's file.
public enum SlotPage: Equatable, Sendable {
    /// There is no page.
    case none
    /// A 2 MiB page; its first guest frame.
    case extent(UInt64)
    /// There is a page, but the kernel no longer maps it: one of its frames was found to be broken (hwpoison).
    /// Whether it is a hole is not known. It stays in the file, for ever.
    case unreadable

    /// The first guest frame, where it is known.
    public var gfn: UInt64? {
        if case .extent(let gfn) = self { return gfn }
        return nil
    }
}

extension PageReserve {
    public var isReading: Bool { false }

    /// The first frames of slots, nil where none is known.
    public func frames(of slots: Range<Int>) throws(BalloonError) -> [UInt64?] { try pages(of: slots).map(\.gfn) }

    /// A whole recovery in one call, where nothing can have gone: for tests and checks.
    public func recover(interrupted: InterruptedMove?) throws(BalloonError) -> [SlotPage] {
        try beginRecovery()
        var pages: [SlotPage] = []
        while true {
            let next = try recoverNext()
            if next.isEmpty { break }
            pages += next
        }
        while try !endRecovery(after: interrupted.map(BrokenMove.noted) ?? .none(nil), isAllBack: true) {}
        return pages
    }
}

/// A balloon's file as it is found.
public struct FoundFile: Equatable, Sendable {
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
    /// Pages that were taken out of the file while no daemon ran. They may be holes. Their frames are not known, and
    /// they stay pinned forever.
    public var strayPins: Int

    public init(slots: Int, pages: Int, name: Name, strayPins: Int = 0) {
        self.slots = slots
        self.pages = pages
        self.name = name
        self.strayPins = strayPins
    }
}

/// What a process that ended had under way with a balloon's pages.
public enum BrokenMove: Equatable, Sendable {
    /// None was noted. A deflate goes on also where it cannot be noted.
    case none(FileShape?)
    case noted(InterruptedMove)
    /// The note cannot be read: any move may have been under way.
    case unknown

    /// What the file was like. nil: it is not known.
    var file: FileShape? {
        switch self {
        case .none(let file): file
        case .noted(let move): move.file
        case .unknown: nil
        }
    }
}

/// Which slots of a vnode's file had a page, as far as this tells whether another program took pages out since.
public struct FileShape: Equatable, Sendable {
    /// What lies behind the last slot with a page.
    public let end: Int
    /// How many slots below it had none. A move leaves its own empty slots behind the end only.
    public let gaps: Int
    /// A slot below the end whose page the mover itself was about to free. If it is empty now, it is no gap of another program.
    public let punching: Int?

    public init(end: Int, gaps: Int, punching: Int? = nil) {
        self.end = end
        self.gaps = gaps
        self.punching = punching
    }
}

/// A move that did not end before the process did.
public struct InterruptedMove: Equatable, Sendable {
    /// Slots in motion.
    public let slots: Range<Int>
    /// Pool pages that were not ours before it began.
    public let foreignPoolPages: Int
    /// How many pool pages it was about, at most.
    public let poolPages: Int
    /// What the file was like when it was noted. nil: an earlier program noted the move.
    public var file: FileShape?

    /// - Parameter poolPages: one a slot, unless said otherwise.
    public init(slots: Range<Int>, foreignPoolPages: Int, poolPages: Int? = nil) {
        self.slots = slots
        self.foreignPoolPages = foreignPoolPages
        self.poolPages = poolPages ?? slots.count
    }
}
