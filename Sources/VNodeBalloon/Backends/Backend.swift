/// What moves memory between one kind of guest and Xen.
///
/// The seam is narrow on purpose: the controller decides, a backend does one bounded step and says what came of it.
public protocol Backend: AnyObject {
    /// The word for it in `status`: privcmd or kernel.
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

    /// Finds out what is a hole now: after a start, a kill, a resume. Ends what a killed process had begun.
    /// - Returns: the balloon in frames.
    func recover(vnode: Int) throws(BalloonError) -> UInt64

    /// Nothing that is known counts any more: each vnode's next `recover` asks about every frame.
    func distrust() throws(BalloonError)
    /// Whether the domain is being migrated in a way that memory must not move meanwhile.
    func isBeingSent() throws(BalloonError) -> Bool
    /// Frees what had to wait because the domain was being migrated.
    /// - Returns: whether anything still waits.
    func tidy(vnode: Int) throws(BalloonError) -> Bool

    /// Gives up to so many extents to Xen. An error leaves nothing lost: the next step looks at Xen first.
    func inflate(vnode: Int, extents: Int) throws(BalloonError) -> Outcome
    /// Takes up to so many extents back.
    func deflate(vnode: Int, extents: Int) throws(BalloonError) -> Outcome

    /// The balloon as we know it, in frames.
    func balloonFrames(vnode: Int) -> UInt64

    /// Compares Xen with what we believe, slot by slot.
    /// - Parameters:
    ///   - slots: which of the vnode's slots; clamped to those there are.
    ///   - everyFrame: all 512 frames of an extent instead of its first and last.
    func audit(vnode: Int, slots: Range<Int>, everyFrame: Bool) throws(BalloonError) -> [AuditFinding]
    /// Asks Xen about every frame of some slots and believes it, so that the next steps mend what they can. A slot whose
    /// page is gone or another one is left for ``recover(vnode:)``, which is to come after all slots.
    /// - Parameter slots: clamped to those there are.
    /// - Returns: the balloon in frames.
    func lookAgain(vnode: Int, slots: Range<Int>) throws(BalloonError) -> UInt64
    /// Slots of a vnode, for slicing an audit.
    func slotCount(vnode: Int) -> Int
    /// Whether the vnode's file is what it was. Cheap: no page is looked at.
    func file(vnode: Int) throws(BalloonError) -> BalloonFile
    /// Begins with a new file, once all of a removed one's memory is back; before that it does nothing.
    /// - Returns: the balloon in frames.
    func renewFile(vnode: Int) throws(BalloonError) -> UInt64

    /// Nothing is to move any more: ends what still goes on by itself.
    func rest() throws(BalloonError)
}

extension Backend {
    public var domainVNodes: [VNode] { vnodes }
}

/// How much one step moves at most, in extents of the backend's granularity.
public struct StepLimits: Equatable, Sendable {
    public var inflateExtents: Int
    public var deflateExtents: Int

    public init(inflateExtents: Int, deflateExtents: Int) {
        self.inflateExtents = inflateExtents
        self.deflateExtents = deflateExtents
    }
}

/// What others did to a balloon's file.
public enum BalloonFile: Sendable {
    case whole
    /// Its name is gone, or leads to another file: all of the balloon must come back.
    case removed
    /// It is shorter or longer than it was, or pages of it are gone: ``Backend/recover(vnode:)`` helps.
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
        /// A hole that is not in our file any more, and that could not be populated yet; or, without a frame number,
        /// pages that were taken out of the file while nobody looked: they stay pinned.
        case lost
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
