/// Moves memory with Linux's own balloon, in PV guests. Only the kernel can drop its own mapping of a frame and keep
/// the table of frame numbers right.
///
/// A PV Linux has one node, so there is one balloon, that of vnode 0. Where Xen has several vnodes, this balloon
/// answers for all of them (``SharedBalloon``). It includes the memory that the guest was started without.
public final class KernelMover: Mover {
    public let name = "kernel"
    /// The kernel moves single frames.
    public let granularity = Frames.one.kib
    public let vnodes: [VNode]
    public let domainVNodes: [VNode]
    /// 64 MiB: after each of these steps the guard is asked again.
    public let steps = StepLimits(inflateExtents: 16384, deflateExtents: 16384)
    public let isMovedByOthers = true

    private let driver: KernelBalloonDriver
    private let figures: any DomainFigures

    /// - Parameters:
    ///   - topology: Xen's layout of the domain; nil without one, or where Xen cannot be asked.
    ///   - now: the clock.
    public init(
        _ balloon: KernelBalloon, figures: any DomainFigures, topology: VNUMATopology? = nil, staticMax: KiB?,
        now: @escaping () -> Moment
    ) throws(BalloonError) {
        let reading = try balloon.read()
        let all = [VNode(number: 0, linuxNode: 0, size: staticMax ?? reading.current + reading.balloon)]
        vnodes = all
        if let topology, topology.vnodeCount > 1 {
            domainVNodes = (0..<topology.vnodeCount).map {
                VNode(number: $0, linuxNode: 0, size: topology.size(of: $0))
            }
        } else {
            domainVNodes = all
        }
        driver = KernelBalloonDriver(balloon, now: now)
        self.figures = figures
    }

    public func beginRecovery(vnode: Int, _ scope: RecoveryScope) throws(BalloonError) {}

    public func continueRecovery(vnode: Int) throws(BalloonError) -> RecoveryProgress {
        _ = try driver.balloon.read()
        return .done
    }

    public func abandonRecovery(vnode: Int) {}

    /// nil where the kernel does not report it.
    public func balloonFrames(vnode: Int) -> Frames? {
        (try? driver.balloon.read()).map { $0.balloon.wholeFrames }
    }

    public func inflate(vnode: Int, extents: Int) throws(BalloonError) -> Outcome {
        outcome(try driver.inflate(by: granularity * UInt64(extents)), obstacle: .noMemory)
    }

    public func deflate(vnode: Int, extents: Int) throws(BalloonError) -> Outcome {
        let room = try figures.roomFrames()
        // Without this check the kernel would only try and give up, because it does not know the maximum.
        guard room > .zero else {
            return Outcome(balloonFrames: balloonFrames(vnode: vnode), obstacle: .maxReservation)
        }
        let extents = min(UInt64(extents), room / granularity.wholeFrames)
        return outcome(try driver.deflate(by: granularity * extents), obstacle: .pnodeFull)
    }

    public func rest() throws(BalloonError) { try driver.rest() }

    private func outcome(_ progress: KernelBalloonDriver.Progress, obstacle: HeldReason) -> Outcome {
        Outcome(progress, balloonFrames: balloonFrames(vnode: 0), obstacle: obstacle)
    }

    /// The kernel keeps the books.
    public func distrust() {}
    /// Linux's own balloon does not notice a migration.
    public func isBeingSent() -> Bool { false }
    /// The kernel keeps what it has given, whether this process runs or not.
    public func isEmpty(vnode: Int) -> Bool? { true }
}

extension DomainFigures {
    /// How many frames the domain may still get from Xen.
    func roomFrames() throws(BalloonError) -> Frames {
        let (current, maximum) = (try currentReservation(), try maximumReservation())
        return maximum.less(current)
    }
}

extension Outcome {
    /// The outcome so far of a move of Linux's own balloon.
    /// - Parameter obstacle: the reason to report while the kernel tries again.
    init(_ progress: KernelBalloonDriver.Progress, balloonFrames: Frames?, obstacle: HeldReason) {
        self.init(balloonFrames: balloonFrames)
        switch progress {
        case .arrived: pause = .zero
        case .moving: pause = KernelBalloonDriver.pause
        case .retrying: self.obstacle = obstacle
        case .stopped: self.obstacle = .kernelStopped
        }
    }
}
