/// What memory pressure may do to the balloons.
public struct Yielding: Equatable, Sendable {
    /// What pressure leaves in each balloon.
    public var leastBalloon: KiB

    public init(leastBalloon: KiB = .zero) { self.leastBalloon = leastBalloon }
}

extension BalloonController.Balloon {
    /// The size that memory pressure left a balloon. It may only fall, until the node has been at ease for a while.
    struct Ceiling: Sendable {
        var frames: Frames
        /// When to look whether the node is at ease.
        var due: Moment
    }

    /// What was taken back since, for whatever reason, is not given again either.
    mutating func lowerCeiling() {
        if let ceiling, let frames = state.balloonFrames { self.ceiling?.frames = min(ceiling.frames, frames) }
    }

    /// More is asked for than pressure left.
    var isHeldByPressure: Bool {
        guard let ceiling else { return false }
        return isLimited && ceiling.frames < mostFrames
    }

    func isCeilingDue(now: Moment) -> Bool { ceiling.map { now >= $0.due } ?? false }

    /// The rate limit does not hold for memory that the node needs now, nor for a file that is about to be freed.
    var isUrgent: Bool {
        guard let ceiling, let frames = state.balloonFrames else { return isRemoved }
        return isRemoved || frames > ceiling.frames
    }
}

extension BalloonController {
    /// How long a node must have been without pressure before memory is taken from it again.
    ///
    /// With the margin of ``isAtEase(_:)`` it keeps a balloon from going to and fro: a load that stays the same is
    /// answered once, one that comes and goes at most once in this time.
    public static let calm: Interval = Backoff.longest

    /// A look at the node of this vnode. Where it is short of memory the balloon gives way, and does not grow again before
    /// ``calm`` and ``isAtEase(_:)``.
    ///
    /// - Parameter isTold: the kernel tells of pressure: tasks wait for memory, on whichever node.
    /// - Returns: whether it gives way now.
    public mutating func press(vnode: Int, memory: NodeMemory, isTold: Bool, now: Moment) -> Bool {
        guard let yielding = options.yielding,
            let index = balloons.firstIndex(where: { $0.state.vnode.number == vnode }),
            let balloon = balloons[index].state.balloonFrames
        else { return false }
        let isGrowing = direction(of: balloons[index]) == .inflating && balloons[index].backoff.due == nil
        guard let missing = missing(memory, isTold: isTold, isGrowing: isGrowing) else { return false }
        let lacking = missing.roundedUp(to: extent).wholeFrames
        let least = min(balloon, yielding.leastBalloon.roundedUp(to: extent).wholeFrames)
        let left = max(least, balloon.less(lacking))
        let wasDeflating = direction(of: balloons[index]) == .deflating
        balloons[index].ceiling = Balloon.Ceiling(
            frames: min(left, balloons[index].ceiling?.frames ?? .max), due: now + Self.calm)
        let isDeflating = direction(of: balloons[index]) == .deflating
        // An obstacle to an inflate is none to a deflate.
        if isDeflating && !wasDeflating { balloons[index].startAfresh() }
        settle(index)
        return isDeflating && balloons[index].backoff.due == nil
    }

    /// What a node is short of; 0: nothing, but the balloon must not grow; nil: it is not short of memory.
    private func missing(_ memory: NodeMemory, isTold: Bool, isGrowing: Bool) -> KiB? {
        let kept = options.guardRule.kept(on: memory)
        // An inflate ends at what the guard keeps. Without stalls a little less is no reason to turn round.
        if memory.available < (isTold ? kept : kept - kept / 4) { return kept - memory.available }
        // An inflate that has the kernel reclaim makes tasks wait, too: our own.
        guard isTold, !isGrowing, memory.free < kept else { return nil }
        // Tasks wait and nothing is free: then what counts as reclaimable is not, or not in time.
        return memory.free == .zero ? kept / 4 : .zero
    }

    /// The vnodes whose balloons could give way, for ``PressurePace``.
    public func looks(at nodes: [Int: NodeMemory]) -> [PressurePace.Look] {
        guard let yielding = options.yielding else { return [] }
        return balloons.compactMap { balloon in
            let vnode = balloon.state.vnode.number
            // One that is not known yet may be able to give way as soon as it is.
            let size = balloon.state.balloon ?? yielding.leastBalloon + KiB(1)
            guard let memory = nodes[vnode], size > yielding.leastBalloon else { return nil }
            return PressurePace.Look(
                vnode: vnode, available: memory.available, kept: options.guardRule.kept(on: memory),
                balloon: size)
        }
    }

    /// Whether a node has so much that taking some from it would not bring the pressure back at once: a quarter more
    /// than the guard keeps.
    func isAtEase(_ memory: NodeMemory) -> Bool {
        let kept = options.guardRule.kept(on: memory)
        return memory.available >= kept + kept / 4
    }

    /// Lets a balloon grow again, or looks again later.
    mutating func liftCeiling(_ index: Int, _ facts: Facts, now: Moment) {
        guard balloons[index].isCeilingDue(now: now) else { return }
        let vnode = balloons[index].state.vnode.number
        if !balloons[index].isHeldByPressure || facts.memory?[vnode].map(isAtEase) == true {
            balloons[index].ceiling = nil
            settle(index)
        } else {
            balloons[index].ceiling?.due = now + Self.calm
        }
    }
}
