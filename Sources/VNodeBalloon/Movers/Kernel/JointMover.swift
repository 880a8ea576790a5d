/// Our balloon and Linux's own as one, in PVH and HVM guests without virtual NUMA.
///
/// A guest that was started below its maximum has a hole that Linux's balloon holds from boot. That hole is part of the
/// vnode's balloon. Our mover gives memory, 2 MiB at a time. Memory is taken back from our part first, then from
/// Linux's.
public final class JointMover: Mover {
    public var name: String { ours.name }
    public var granularity: KiB { ours.granularity }
    public var vnodes: [VNode] { ours.vnodes }
    public var steps: StepLimits { ours.steps }
    public let isMovedByOthers = true
    /// Linux's part has neither slots nor files, so only our part can be asked about.
    public var slots: (any SlotAuditing)? { ours.slots }
    public var files: (any FileBacked)? { ours.files }
    public var descriptor: Int32? { ours.descriptor }
    public func takeNote() { ours.takeNote() }

    private let ours: any Mover
    private let driver: KernelBalloonDriver
    private let figures: any DomainFigures

    /// - Parameters:
    ///   - ours: a mover of one vnode.
    ///   - now: the clock.
    public init(
        _ ours: any Mover, _ balloon: KernelBalloon, figures: any DomainFigures, now: @escaping () -> Moment
    ) {
        self.ours = ours
        self.figures = figures
        driver = KernelBalloonDriver(balloon, now: now)
    }

    public func beginRecovery(vnode: Int, _ scope: RecoveryScope) throws(BalloonError) {
        try ours.beginRecovery(vnode: vnode, scope)
    }

    public func continueRecovery(vnode: Int) throws(BalloonError) -> RecoveryProgress {
        let progress = try ours.continueRecovery(vnode: vnode)
        // The vnode is known only if the size of Linux's own balloon is, too.
        if progress == .done { _ = try linuxBalloon() }
        return progress
    }

    public func abandonRecovery(vnode: Int) { ours.abandonRecovery(vnode: vnode) }

    public func balloonFrames(vnode: Int) -> Frames? {
        guard let frames = ours.balloonFrames(vnode: vnode), let linux = try? linuxBalloon() else { return nil }
        return frames + linux.wholeFrames
    }

    /// Linux's part.
    private func linuxBalloon() throws(BalloonError) -> KiB { try driver.balloon.read().balloon }

    public func inflate(vnode: Int, extents: Int) throws(BalloonError) -> Outcome {
        if let outcome = try wait(vnode) { return outcome }
        // Linux's part is rounded up to whole extents by giving a little more. Otherwise the sum could never equal a
        // target.
        let linux = try linuxBalloon()
        let part = linux - linux.roundedDown(to: granularity)
        if part > .zero { return outcome(vnode, try driver.inflate(by: granularity - part), obstacle: .noMemory) }
        try driver.rest()
        return sum(vnode, try ours.inflate(vnode: vnode, extents: extents))
    }

    public func deflate(vnode: Int, extents: Int) throws(BalloonError) -> Outcome {
        if let outcome = try wait(vnode) { return outcome }
        let linux = try linuxBalloon()
        // A deflate never gives memory. So the part of Linux's balloon that exceeds whole extents comes back first.
        let part = linux - linux.roundedDown(to: granularity)
        if part == .zero, ours.balloonFrames(vnode: vnode) != .zero {
            try driver.rest()
            return sum(vnode, try ours.deflate(vnode: vnode, extents: extents))
        }
        let room = try figures.roomFrames().kib
        let wanted = part > .zero ? part : min(granularity * UInt64(extents), linux)
        guard room >= min(wanted, granularity) else {
            return Outcome(balloonFrames: balloonFrames(vnode: vnode), obstacle: .maxReservation)
        }
        let possible = min(wanted, part > .zero ? room : room.roundedDown(to: granularity))
        return outcome(vnode, try driver.deflate(by: possible), obstacle: .pnodeFull)
    }

    /// Waits during a migration: what Linux's balloon populates while the domain is log-dirty is lost, as ours would
    /// be.
    private func wait(_ vnode: Int) throws(BalloonError) -> Outcome? {
        guard try ours.isBeingSent() else { return nil }
        try driver.rest()
        return Outcome(balloonFrames: balloonFrames(vnode: vnode), obstacle: .migrating)
    }

    private func sum(_ vnode: Int, _ outcome: Outcome) -> Outcome {
        var outcome = outcome
        outcome.balloonFrames = balloonFrames(vnode: vnode)
        return outcome
    }

    private func outcome(_ vnode: Int, _ progress: KernelBalloonDriver.Progress, obstacle: HeldReason) -> Outcome {
        Outcome(progress, balloonFrames: balloonFrames(vnode: vnode), obstacle: obstacle)
    }

    public func rest() throws(BalloonError) { try driver.rest() }

    public func distrust() throws(BalloonError) { try ours.distrust() }
    public func isBeingSent() throws(BalloonError) -> Bool { try ours.isBeingSent() }
    public func keep(vnode: Int, size: KiB) throws(BalloonError) { try ours.keep(vnode: vnode, size: size) }
    /// Linux's part stays with Linux, whether this process runs or not.
    public func isEmpty(vnode: Int) -> Bool? { ours.isEmpty(vnode: vnode) }
}
