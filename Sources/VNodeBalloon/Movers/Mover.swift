/// What moves memory between one kind of guest and Xen.
///
/// The protocol is narrow on purpose: the controller decides, and a mover does one bounded step and returns its
/// outcome. ``SlotAuditing`` and ``FileBacked`` have what only some movers can do. docs/adding-a-mover.md says what
/// each call must do.
public protocol Mover: AnyObject {
    /// The word for it in `status`: privcmd, kernel or module.
    var name: String { get }
    /// The vnodes that have a balloon of their own.
    var vnodes: [VNode] { get }
    /// The vnodes that Xen and the toolstack know. They are `vnodes`, or more where one balloon answers for several
    /// vnodes.
    var domainVNodes: [VNode] { get }
    /// Sizes are multiples of this.
    var granularity: KiB { get }

    /// This mover as one that can be asked slot by slot; nil: it cannot. The same as long as the mover lives.
    var slots: (any SlotAuditing)? { get }
    /// This mover as one that keeps memory in files of ours; nil: it does not. The same as long as the mover lives.
    var files: (any FileBacked)? { get }
    /// This mover as one that can take memory from other physical nodes; nil: it cannot. The same as long as the mover
    /// lives.
    var otherPNodes: (any OtherPNodes)? { get }

    /// The most that one step moves.
    var steps: StepLimits { get }
    /// Whether the balloon's size changes without us, too. The engine then reads it before each decision.
    var isMovedByOthers: Bool { get }
    /// Whether the size includes what Linux's own balloon has.
    var includesLinuxBalloon: Bool { get }
    /// Readable when a balloon's size changed without us; nil where the kernel does not report that.
    var descriptor: Int32? { get }
    /// Reads the event, so that `descriptor` is not readable any more.
    func takeNote()

    /// Begins to find out what is a hole now: after a start, a kill, a resume, an error. The vnode does not move, and
    /// its size is not known, until ``continueRecovery(vnode:)`` returns `.done`. The recovery also ends what a killed
    /// process had begun.
    func beginRecovery(vnode: Int, _ scope: RecoveryScope) throws(BalloonError)
    /// Does one bounded piece of the recovery, of a dozen milliseconds. After an error the same piece can be tried
    /// again.
    func continueRecovery(vnode: Int) throws(BalloonError) -> RecoveryProgress
    /// Ends the recovery until it is begun anew. The other vnodes' recoveries do not wait for this one.
    func abandonRecovery(vnode: Int)

    /// Discards all that is known: the next recovery of each vnode asks about every frame.
    func distrust() throws(BalloonError)
    /// Whether the domain is log-dirty, as during a migration. Memory must not move meanwhile.
    func isBeingSent() throws(BalloonError) -> Bool

    /// Gives at most `extents` extents to Xen. An error loses no memory: the next step asks Xen first.
    func inflate(vnode: Int, extents: Int) throws(BalloonError) -> Outcome
    /// Takes at most `extents` extents back.
    func deflate(vnode: Int, extents: Int) throws(BalloonError) -> Outcome

    /// The balloon in frames; nil: not known.
    func balloonFrames(vnode: Int) -> Frames?
    /// Whether no memory of the vnode is given or waits to be freed; nil: not known.
    func isEmpty(vnode: Int) -> Bool?

    /// Stops whatever still moves by itself: the controller wants nothing moved now.
    func rest() throws(BalloonError)

    /// Sets how much the kernel leaves in a vnode's balloon where it takes memory back by itself in a shortage.
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

    /// Does a whole recovery in one call, of one vnode or several: for commands without a daemon, tests and checks.
    /// Vnodes that are not listed may be known already.
    /// - Throws: the first error that keeps a vnode from being known. The other vnodes are recovered as far as they can
    ///   be.
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
        // One vnode's recovery may begin those of the other vnodes anew, and wait for them.
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

    /// Does a piece of each recovery that is under way among these vnodes.
    /// - Returns: whether one of them has not ended yet.
    private func isAnyUnderWay(_ vnodes: [Int]) -> Bool {
        var isAny = false
        for vnode in vnodes {
            guard let progress = try? continueRecovery(vnode: vnode), progress != .done else { continue }
            isAny = true
        }
        return isAny
    }

    /// Does a whole recovery of one vnode.
    /// - Returns: its balloon.
    public func recover(vnode: Int) throws(BalloonError) -> Frames {
        try recover(vnodes: [vnode])
        guard let frames = balloonFrames(vnode: vnode) else {
            throw BalloonError(.looking, "the size of the balloon is not known", vnode: vnode)
        }
        return frames
    }
}

// The types alone decide here: a cast at run time would read all conformances of the program, a megabyte of its file.
extension Mover where Self: SlotAuditing {
    public var slots: (any SlotAuditing)? { self }
}

extension Mover where Self: FileBacked {
    public var files: (any FileBacked)? { self }
}

/// How much a recovery has to find out.
public enum RecoveryScope: Sendable {
    /// Everything: the file, its pages, its pins, and Xen's memory behind them.
    case all
    /// Xen's memory behind the pages: after a resume.
    case frames
    /// Only the slots that an error left in doubt. Where the file has changed: everything.
    case doubts
}

extension Mover where Self: OtherPNodes {
    public var otherPNodes: (any OtherPNodes)? { self }
}
