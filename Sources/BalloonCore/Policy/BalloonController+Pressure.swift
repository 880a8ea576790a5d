/// How far memory pressure may shrink the balloons.
public struct Yielding: Equatable, Sendable {
    /// The size that pressure leaves in each balloon.
    public var leastBalloon: KiB

    public init(leastBalloon: KiB = .zero) { self.leastBalloon = leastBalloon }
}

extension BalloonController.Balloon {
    /// The size to which memory pressure shrank a balloon. It may only fall until the node has been at ease for a
    /// while.
    struct Ceiling: Sendable {
        var frames: Frames
        /// When to check whether the node is at ease.
        var due: Moment
    }

    /// Lowers the ceiling to the balloon's size: memory that came back since, for any reason, is not given again
    /// either.
    mutating func lowerCeiling() {
        if let ceiling, let frames = state.balloonFrames { self.ceiling?.frames = min(ceiling.frames, frames) }
    }

    /// Whether more is asked for than pressure left.
    var isHeldByPressure: Bool {
        guard let ceiling else { return false }
        return isLimited && ceiling.frames < mostFrames
    }

    func isCeilingDue(now: Moment) -> Bool { ceiling.map { now >= $0.due } ?? false }

    /// Whether the move must not wait for the rate: the node needs memory now, or the file is about to be freed.
    var isUrgent: Bool {
        guard let ceiling, let frames = state.balloonFrames else { return isRemoved }
        return isRemoved || frames > ceiling.frames
    }
}

extension BalloonController {
    /// How long a node must have been without pressure before memory is taken from it again.
    ///
    /// Together with the margin of ``isAtEase(_:)`` this keeps a balloon from going to and fro. A load that stays the
    /// same makes it move once, and a load that comes and goes at most once in this time.
    public static let calm: Interval = Backoff.longest

    /// Takes in the memory of this vnode's node. If the node is short, the balloon gives memory back. It does not grow
    /// again before ``calm`` is over and ``isAtEase(_:)`` holds.
    ///
    /// - Parameter isTold: the kernel reported pressure: tasks wait for memory, on any of the nodes.
    /// - Returns: whether the balloon gives memory back now.
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
        // The obstacle to growing does not keep it from shrinking.
        if isDeflating && !wasDeflating { balloons[index].startAfresh() }
        settle(index)
        return isDeflating && balloons[index].backoff.due == nil
    }

    /// How much a node is short of; 0: nothing, but the balloon must not grow; nil: it is not short of memory.
    private func missing(_ memory: NodeMemory, isTold: Bool, isGrowing: Bool) -> KiB? {
        let kept = options.guardRule.kept(on: memory)
        // An inflate ends at what the guard keeps. Without stalls, a little less than that is no reason to deflate
        // again.
        if memory.available < (isTold ? kept : kept - kept / 4) { return kept - memory.available }
        // An inflate of ours that makes the kernel reclaim causes waiting tasks, too.
        guard isTold, !isGrowing, memory.free < kept else { return nil }
        // Tasks wait and nothing is free. So memory that counts as reclaimable cannot be reclaimed, or not in time.
        return memory.free == .zero ? kept / 4 : .zero
    }

    /// Readings of the vnodes whose balloons could give memory back, for ``PressurePace``.
    public func looks(at nodes: [Int: NodeMemory]) -> [PressurePace.Look] {
        guard let yielding = options.yielding else { return [] }
        return balloons.compactMap { balloon in
            let vnode = balloon.state.vnode.number
            // A balloon that is not known yet may be able to give memory back as soon as it is known.
            let size = balloon.state.balloon ?? yielding.leastBalloon + KiB(1)
            guard let memory = nodes[vnode], size > yielding.leastBalloon else { return nil }
            return PressurePace.Look(
                vnode: vnode, available: memory.available, kept: options.guardRule.kept(on: memory),
                balloon: size)
        }
    }

    /// Whether a node has enough memory that an inflate would not bring the pressure back at once: a quarter more than
    /// the guard keeps.
    func isAtEase(_ memory: NodeMemory) -> Bool {
        let kept = options.guardRule.kept(on: memory)
        return memory.available >= kept + kept / 4
    }

    /// Lets a balloon grow again, or sets the time of the next check.
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
