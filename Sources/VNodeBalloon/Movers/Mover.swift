/// What moves memory between one kind of guest and Xen.
///
/// The seam is narrow on purpose: the controller decides, a mover does one bounded step and says what came of it. What only
/// some movers have stands in ``SlotAuditing`` and ``FileBacked``. docs/adding-a-mover.md says what each call owes.
public protocol Mover: AnyObject {
    /// The word for it in `status`: privcmd, kernel or module.
    var name: String { get }
    /// The vnodes that have a balloon of their own.
    var vnodes: [VNode] { get }
    /// The vnodes that Xen and so the toolstack know of: the same, or several where one balloon answers for all of them.
    var domainVNodes: [VNode] { get }
    /// Sizes are multiples of this.
    var granularity: KiB { get }

    /// The part that is audited slot by slot; nil: it has none. The same as long as the mover lives.
    var slots: (any SlotAuditing)? { get }
    /// The part that keeps memory in files of ours; nil: it has none. The same as long as the mover lives.
    var files: (any FileBacked)? { get }
    /// The part that can take memory from other physical nodes; nil: it has none. The same as long as the mover lives.
    var otherPNodes: (any OtherPNodes)? { get }

    /// The most that one step moves.
    var steps: StepLimits { get }
    /// The balloon's size changes without us, too: it is read before each decision.
    var isMovedByOthers: Bool { get }
    /// What Linux's own balloon has is part of the size.
    var includesLinuxBalloon: Bool { get }
    /// Readable when a balloon's size changed without us; nil where the kernel does not report that.
    var descriptor: Int32? { get }
    /// Makes that descriptor quiet again.
    func takeNote()

    /// Begins to find out what is a hole now: after a start, a kill, a resume, an error. Nothing of the vnode moves, and
    /// nothing is known of it, before ``continueRecovery(vnode:)`` says so. Ends what a killed process had begun.
    func beginRecovery(vnode: Int, _ scope: RecoveryScope) throws(BalloonError)
    /// Does a bounded piece of it: a dozen milliseconds. After an error the same piece can be tried again.
    func continueRecovery(vnode: Int) throws(BalloonError) -> RecoveryProgress
    /// Gives the recovery up until it is begun anew. The other vnodes' recoveries do not wait for this one.
    func abandonRecovery(vnode: Int)

    /// Nothing that is known counts any more: each vnode's next recovery asks about every frame.
    func distrust() throws(BalloonError)
    /// Whether the domain is log-dirty, as during a migration: memory must not move meanwhile.
    func isBeingSent() throws(BalloonError) -> Bool

    /// Gives up to so many extents to Xen. After an error nothing is lost: the next step asks Xen first.
    func inflate(vnode: Int, extents: Int) throws(BalloonError) -> Outcome
    /// Takes up to so many extents back.
    func deflate(vnode: Int, extents: Int) throws(BalloonError) -> Outcome

    /// The balloon in frames; nil: not known.
    func balloonFrames(vnode: Int) -> Frames?
    /// Whether nothing of the vnode is given, or waits to be freed; nil: not known.
    func isEmpty(vnode: Int) -> Bool?

    /// Nothing is to move any more: ends what still goes on by itself.
    func rest() throws(BalloonError)

    /// What a shortage of memory leaves in a vnode's balloon, where the kernel takes back by itself.
    func keep(vnode: Int, size: KiB) throws(BalloonError)
}

extension Mover {
    public var domainVNodes: [VNode] { vnodes }
    public var slots: (any SlotAuditing)? { nil }
    public var files: (any FileBacked)? { nil }
    public var otherPNodes: (any OtherPNodes)? { nil }
    public var includesLinuxBalloon: Bool { isMovedByOthers }
    public var descriptor: Int32? { nil }
    public func takeNote() {}
    public func keep(vnode: Int, size: KiB) throws(BalloonError) {}

    /// A whole recovery in one call, of one vnode beside others that are known, or of several: for commands without a
    /// daemon, tests and checks.
    /// - Throws: what keeps one vnode from being known. The other vnodes are recovered as far as they can be.
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
        // One vnode's recovery may begin the other vnodes' recoveries anew, and wait for them.
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
    /// - Returns: its balloon.
    public func recover(vnode: Int) throws(BalloonError) -> Frames {
        try recover(vnodes: [vnode])
        guard let frames = balloonFrames(vnode: vnode) else {
            throw BalloonError(.looking, "the size of the balloon is not known", vnode: vnode)
        }
        return frames
    }
}

// By the types alone: a cast at run time would read all conformances of the program, a megabyte of its file.
extension Mover where Self: SlotAuditing {
    public var slots: (any SlotAuditing)? { self }
}

extension Mover where Self: FileBacked {
    public var files: (any FileBacked)? { self }
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

extension Mover where Self: OtherPNodes {
    public var otherPNodes: (any OtherPNodes)? { self }
}
