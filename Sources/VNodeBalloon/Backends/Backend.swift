/// What moves memory between one kind of guest and Xen.
///
/// The seam is narrow on purpose: the controller decides, a backend does one bounded step and says what came of it.
public protocol Backend: AnyObject {
    /// The word for it in `status`: privcmd, kernel or module.
    var name: String { get }
    /// The vnodes that have a balloon of their own.
    var vnodes: [VNode] { get }
    /// The vnodes that Xen and so the toolstack know of: the same, or several where one balloon answers for all of them.
    var domainVNodes: [VNode] { get }
    /// Sizes are multiples of this, in KiB.
    var granularityKiB: UInt64 { get }

    /// The most that one step moves.
    var steps: StepLimits { get }
    /// The balloon's size changes without us, too: it is read before each decision.
    var isMovedByOthers: Bool { get }
    /// What Linux's own balloon has is part of the size.
    var includesLinuxBalloon: Bool { get }
    /// Readable when a balloon's size changed without us; nil where nobody tells.
    var descriptor: Int32? { get }
    /// Silences it.
    func takeNote()

    /// Begins to find out what is a hole now: after a start, a kill, a resume, an error. Nothing of the vnode moves, and
    /// nothing is known of it, before ``continueRecovery(vnode:)`` says so. Ends what a killed process had begun.
    func beginRecovery(vnode: Int, _ scope: RecoveryScope) throws(BalloonError)
    /// Does a bounded piece of it: a dozen milliseconds. After an error the same piece can be tried again.
    func continueRecovery(vnode: Int) throws(BalloonError) -> RecoveryProgress
    /// It is not continued until it is begun anew: the other vnodes do not wait for this one.
    func abandonRecovery(vnode: Int)

    /// Nothing that is known counts any more: each vnode's next recovery asks about every frame.
    func distrust() throws(BalloonError)
    /// Whether the domain is being migrated in a way that memory must not move meanwhile.
    func isBeingSent() throws(BalloonError) -> Bool
    /// Frees what had to wait because the domain was being migrated, or because it was too much for one step.
    func tidy(vnode: Int) throws(BalloonError) -> Tidying

    /// Gives up to so many extents to Xen. An error leaves nothing lost: the next step looks at Xen first.
    func inflate(vnode: Int, extents: Int) throws(BalloonError) -> Outcome
    /// Takes up to so many extents back.
    func deflate(vnode: Int, extents: Int) throws(BalloonError) -> Outcome

    /// The balloon in frames; nil: not known.
    func balloonFrames(vnode: Int) -> UInt64?
    /// Pages of the vnode that cannot be taken back, in extents of the granularity: the kernel maps them no more, or they
    /// were taken out of the file while nobody looked. They are not part of the balloon.
    func lostExtents(vnode: Int) -> Int
    /// Some of those may become memory again when the vnode is audited anew: their frames are known.
    func mayBringBack(vnode: Int) -> Bool
    /// Tries to make one of them memory again.
    /// - Returns: whether that worked: then an audit of the vnode does the same for the others, and lets go of what pins them.
    func bringBack(vnode: Int) throws(BalloonError) -> Bool
    /// Whether nothing of the vnode is given, or waits to be freed; nil: not known.
    func isEmpty(vnode: Int) -> Bool?
    /// What went wrong without standing in the way; taken once.
    func takeWarning() -> BalloonError?

    /// Compares Xen with what we believe, slot by slot.
    /// - Parameters:
    ///   - slots: which of the vnode's slots; clamped to those there are.
    ///   - everyFrame: all 512 frames of an extent instead of its first and last.
    func audit(vnode: Int, slots: Range<Int>, everyFrame: Bool) throws(BalloonError) -> [AuditFinding]
    /// Asks Xen about every frame of some slots and believes it, so that the next steps mend what they can. A slot whose
    /// page is gone or another one is left for a recovery, which is to come after all slots.
    /// - Parameter slots: clamped to those there are.
    /// - Throws: `.looking` while nothing is known of the vnode.
    func lookAgain(vnode: Int, slots: Range<Int>) throws(BalloonError)
    /// Slots of a vnode, for slicing an audit.
    func slotCount(vnode: Int) -> Int
    /// Whether the vnode's file is what it was. Cheap: no page is looked at.
    func file(vnode: Int) throws(BalloonError) -> BalloonFile
    /// Begins with a new file, once all of a removed one's memory is back; before that it does nothing. A recovery is to
    /// follow.
    /// - Returns: whether there is a new file.
    func renewFile(vnode: Int) throws(BalloonError) -> Bool

    /// Nothing is to move any more: ends what still goes on by itself.
    func rest() throws(BalloonError)

    /// What a shortage of memory leaves in a vnode's balloon, where the kernel takes back by itself.
    func keep(vnode: Int, kib: UInt64) throws(BalloonError)
}

extension Backend {
    public func mayBringBack(vnode: Int) -> Bool { false }
    public func bringBack(vnode: Int) throws(BalloonError) -> Bool { false }

    public var domainVNodes: [VNode] { vnodes }
    public var includesLinuxBalloon: Bool { isMovedByOthers }
    public var descriptor: Int32? { nil }
    public func takeNote() {}
    public func keep(vnode: Int, kib: UInt64) throws(BalloonError) {}
    public func takeWarning() -> BalloonError? { nil }

    /// A whole recovery in one call, of one vnode beside others that are known, or of several: for commands without a
    /// daemon, tests and checks.
    /// - Throws: what keeps one of them from being known. The others were recovered as far as they can be.
    public func recover(vnodes: [Int]) throws(BalloonError) {
        var (left, failure): ([Int], BalloonError?) = ([], nil)
        for vnode in vnodes {
            do throws(BalloonError) {
                try beginRecovery(vnode: vnode, .all)
                left.append(vnode)
            } catch {
                failure = failure ?? error
            }
        }
        // One vnode's recovery may begin those of others anew, and wait for them.
        let others = self.vnodes.map(\.number).filter { !vnodes.contains($0) }
        while !left.isEmpty || isAnyUnderWay(others) {
            for vnode in left {
                do throws(BalloonError) {
                    if try continueRecovery(vnode: vnode) == .done { left.removeAll { $0 == vnode } }
                } catch {
                    failure = failure ?? error
                    abandonRecovery(vnode: vnode)
                    left.removeAll { $0 == vnode }
                }
            }
        }
        if let failure { throw failure }
    }

    /// Does a piece of each recovery that is under way.
    /// - Returns: whether any is not at its end.
    private func isAnyUnderWay(_ vnodes: [Int]) -> Bool {
        var isAny = false
        for vnode in vnodes {
            guard let progress = try? continueRecovery(vnode: vnode), progress != .done else { continue }
            isAny = true
        }
        return isAny
    }

    /// The same of one vnode.
    /// - Returns: its balloon in frames.
    public func recover(vnode: Int) throws(BalloonError) -> UInt64 {
        try recover(vnodes: [vnode])
        guard let frames = balloonFrames(vnode: vnode) else {
            throw BalloonError(.looking, "the size of the balloon is not known", vnode: vnode)
        }
        return frames
    }
}

/// How much a recovery has to find out.
public enum RecoveryScope: Sendable {
    /// Everything: the file, its pages, its pins, and what Xen has behind them.
    case all
    /// What Xen has behind the pages: after a resume.
    case frames
    /// What an error left in doubt. Where the file is not what it was: everything.
    case doubts
}

/// What came of ``Backend/tidy(vnode:)``.
public enum Tidying: Equatable, Sendable {
    /// Nothing waits.
    case done
    /// There is more: call again at once.
    case more
    /// It waits until the domain is not being migrated any more.
    case waiting
}

/// What others did to a balloon's file.
public enum BalloonFile: Sendable {
    case whole
    /// Its name is gone, or leads to another file: all of the balloon must come back.
    case removed
    /// It is shorter or longer than it was, or pages of it are gone: a recovery helps.
    case damaged
}

/// Something that an audit found.
public struct AuditFinding: Equatable, Sendable {
    /// What is wrong. The words stand in JSON.
    public enum Kind: String, Sendable {
        /// A given frame is RAM: somebody populated it.
        case ramInBalloon = "ram-in-balloon"
        /// A frame that we believe to be RAM is a hole.
        case holeInReserve = "hole-in-reserve"
        /// A slot has no page.
        case noPage = "no-page"
        /// A slot has another page than before.
        case moved
        /// Neither RAM nor a hole.
        case unknownType = "unknown-type"
        /// The file ends earlier than it did.
        case fileShorter = "file-shorter"
        /// The file is longer than it was.
        case fileLonger = "file-longer"
        /// Somebody removed or renamed the file.
        case fileRemoved = "file-removed"
        /// The file's name leads to another file.
        case fileReplaced = "file-replaced"
        /// A hole that is not in our file any more, and that could not be populated yet; a page that the kernel maps no
        /// more; or, without a frame number, pages that were taken out of the file while nobody looked: they stay pinned.
        case lost
        /// Memory that Xen does not have and that no balloon accounts for.
        case unaccounted
    }

    public let vnode: Int
    public let slot: Int
    /// The first frame that it was seen on; 0 where there is none.
    public let gfn: UInt64
    public let kind: Kind

    public init(vnode: Int, slot: Int, gfn: UInt64, kind: Kind) {
        self.vnode = vnode
        self.slot = slot
        self.gfn = gfn
        self.kind = kind
    }
}
