/// Our balloon and Linux's own as one, in PVH and HVM guests without virtual NUMA.
///
/// A guest that was started below its maximum has a hole that Linux's balloon holds from boot. It is part of the vnode's
/// balloon. Memory is given by us, 2 MiB at a time; it is taken back from our part first, then from Linux's.
public final class JointBackend: Backend {
    public var name: String { ours.name }
    public var granularityKiB: UInt64 { ours.granularityKiB }
    public var vnodes: [VNode] { ours.vnodes }
    public var steps: StepLimits { ours.steps }
    public let isMovedByOthers = true

    private let ours: any Backend
    private let mover: KernelMover
    private let figures: any DomainFigures
    private var lastLinuxKiB: UInt64 = 0

    /// - Parameters:
    ///   - ours: of one vnode.
    ///   - now: nanoseconds of a clock that does not go back.
    public init(
        _ ours: any Backend, _ balloon: KernelBalloon, figures: any DomainFigures, now: @escaping () -> UInt64
    ) {
        self.ours = ours
        self.figures = figures
        mover = KernelMover(balloon, now: now)
    }

    public func recover(vnode: Int) throws(BalloonError) -> UInt64 {
        _ = try ours.recover(vnode: vnode)
        return balloonFrames(vnode: vnode)
    }

    public func balloonFrames(vnode: Int) -> UInt64 { ours.balloonFrames(vnode: vnode) + linuxKiB / 4 }

    /// Linux's part. A file of sysfs that cannot be read for once says nothing new.
    private var linuxKiB: UInt64 {
        lastLinuxKiB = (try? mover.balloon.read().balloonKiB) ?? lastLinuxKiB
        return lastLinuxKiB
    }

    public func inflate(vnode: Int, extents: Int) throws(BalloonError) -> Outcome {
        if let outcome = try wait(vnode) { return outcome }
        if let outcome = try round(vnode) { return outcome }
        try mover.rest()
        return sum(vnode, try ours.inflate(vnode: vnode, extents: extents))
    }

    public func deflate(vnode: Int, extents: Int) throws(BalloonError) -> Outcome {
        if let outcome = try wait(vnode) { return outcome }
        if let outcome = try round(vnode) { return outcome }
        if ours.slotCount(vnode: vnode) > 0 {
            try mover.rest()
            return sum(vnode, try ours.deflate(vnode: vnode, extents: extents))
        }
        let room = try figures.roomFrames() * 4 / granularityKiB * granularityKiB
        guard room > 0 else { return Outcome(balloonFrames: balloonFrames(vnode: vnode), obstacle: .maxReservation) }
        let wanted = min(UInt64(extents) * granularityKiB, linuxKiB, room)
        return outcome(vnode, try mover.deflate(kib: wanted), obstacle: .pnodeFull)
    }

    /// What Linux's balloon populates while the domain is being sent is lost just as ours would be.
    private func wait(_ vnode: Int) throws(BalloonError) -> Outcome? {
        guard try ours.isBeingSent() else { return nil }
        try mover.rest()
        return Outcome(balloonFrames: balloonFrames(vnode: vnode), obstacle: .migrating)
    }

    /// Brings Linux's part to whole extents, by giving a little more, so that the sum can be what a target asks for.
    private func round(_ vnode: Int) throws(BalloonError) -> Outcome? {
        let part = linuxKiB % granularityKiB
        guard part > 0 else { return nil }
        return outcome(vnode, try mover.inflate(kib: granularityKiB - part), obstacle: .noMemory)
    }

    private func sum(_ vnode: Int, _ outcome: Outcome) -> Outcome {
        var outcome = outcome
        outcome.balloonFrames = balloonFrames(vnode: vnode)
        return outcome
    }

    private func outcome(_ vnode: Int, _ progress: KernelMover.Progress, obstacle: HeldReason) -> Outcome {
        Outcome(progress, balloonFrames: balloonFrames(vnode: vnode), obstacle: obstacle)
    }

    public func rest() throws(BalloonError) { try mover.rest() }

    public func audit(vnode: Int, slots: Range<Int>, everyFrame: Bool) throws(BalloonError) -> [AuditFinding] {
        try ours.audit(vnode: vnode, slots: slots, everyFrame: everyFrame)
    }

    public func lookAgain(vnode: Int, slots: Range<Int>) throws(BalloonError) -> UInt64 {
        _ = try ours.lookAgain(vnode: vnode, slots: slots)
        return balloonFrames(vnode: vnode)
    }

    public func distrust() throws(BalloonError) { try ours.distrust() }
    public func isBeingSent() throws(BalloonError) -> Bool { try ours.isBeingSent() }
    public func tidy(vnode: Int) throws(BalloonError) -> Bool { try ours.tidy(vnode: vnode) }
    public func slotCount(vnode: Int) -> Int { ours.slotCount(vnode: vnode) }
    public func file(vnode: Int) throws(BalloonError) -> BalloonFile { try ours.file(vnode: vnode) }
    public func renewFile(vnode: Int) throws(BalloonError) -> UInt64 {
        _ = try ours.renewFile(vnode: vnode)
        return balloonFrames(vnode: vnode)
    }
}
