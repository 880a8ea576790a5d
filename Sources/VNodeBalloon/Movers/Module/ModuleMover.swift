/// Moves memory with the kernel module, in guests of every kind.
///
/// The kernel keeps what was given, so the balloon outlives this process and needs no file, pin or holder. The module
/// reacts to a resume and to a shortage of memory by itself. So each size is read from it before it is used.
public final class ModuleMover: Mover, SlotAuditing {
    public let name = "module"
    public let granularity: KiB = .mib(2)
    public let vnodes: [VNode]
    /// To give an extent takes 3 ms, to take one back a quarter of a millisecond: the loop must not be deaf for longer
    /// than 20 ms.
    public let steps = StepLimits(inflateExtents: 6, deflateExtents: 64)
    public let isMovedByOthers = true
    public let includesLinuxBalloon = false

    private let module: any BalloonModule
    private let pause: (Interval) -> Void
    /// PV: how many extents the module tried since the last one came home. Once that is all of a vnode, no more can
    /// come home.
    private var fruitless: [Int: Int] = [:]

    /// How long a recovery lets the module audit before it asks the module again.
    private static let look: Interval = .milliseconds(5)
    /// How soon a move that was interrupted is tried again.
    static let again: Interval = .milliseconds(10)
    /// PV: how many extents one step tries to bring home.
    private static let homecoming = 4

    /// - Parameters:
    ///   - vnodes: as the module knows them.
    ///   - pause: lets time pass.
    public init(vnodes: [VNode], module: any BalloonModule, pause: @escaping (Interval) -> Void) {
        self.vnodes = vnodes
        self.module = module
        self.pause = pause
    }

    public var descriptor: Int32? { module.descriptor }
    public func takeNote() { _ = try? module.state() }

    public func beginRecovery(vnode: Int, _ scope: RecoveryScope) throws(BalloonError) { fruitless[vnode] = nil }

    /// The module is unsure until it has audited every frame.
    public func continueRecovery(vnode: Int) throws(BalloonError) -> RecoveryProgress {
        let given = try module.vnode(vnode).given
        guard try module.state().isUnsure else { return .done }
        pause(Self.look)
        return .going(done: 0, of: given)
    }

    public func abandonRecovery(vnode: Int) {}

    /// nil while the module audits its own list.
    public func balloonFrames(vnode: Int) -> Frames? {
        guard let state = try? module.state(), !state.isUnsure else { return nil }
        return (try? module.vnode(vnode)).map { Frames(ExtentBuffer.framesPerExtent) * UInt64($0.given) }
    }

    public func lostExtents(vnode: Int) -> Int { (try? module.vnode(vnode))?.doubt ?? 0 }

    public func isEmpty(vnode: Int) -> Bool? {
        guard let state = try? module.state(), !state.isUnsure else { return nil }
        return (try? module.vnode(vnode)).map { $0.given == 0 && $0.doubt == 0 }
    }

    public func isBeingSent() throws(BalloonError) -> Bool { try module.state().isMigrating }

    public func keep(vnode: Int, size: KiB) throws(BalloonError) {
        try module.keep(vnode: vnode, extents: Int(clamping: size / granularity))
    }

    // MARK: Moving

    public func inflate(vnode: Int, extents: Int) throws(BalloonError) -> Outcome {
        let move = try module.give(vnode: vnode, extents: extents)
        if move.reason == .unknownPlace { return try bringHome(vnode) }
        return try outcome(move, vnode, refused: .hypervisorRefused)
    }

    public func deflate(vnode: Int, extents: Int) throws(BalloonError) -> Outcome {
        try outcome(try module.release(vnode: vnode, extents: extents), vnode, refused: .pnodeFull)
    }

    /// PV: memory of the vnode may be given only once it is known to lie on the vnode's physical node.
    private func bringHome(_ vnode: Int) throws(BalloonError) -> Outcome {
        let move = try module.rehome(vnode: vnode, extents: Self.homecoming)
        let size = vnodes.first { $0.number == vnode }?.size ?? .zero
        let looked = move.done > 0 ? 0 : (fruitless[vnode] ?? 0) + Self.homecoming
        fruitless[vnode] = looked
        var outcome: Outcome
        switch move.reason {
        case .all, .empty:
            outcome = Outcome(balloonFrames: balloonFrames(vnode: vnode))
            // The module tried all of the vnode. What could not be brought home is in use.
            if granularity * UInt64(looked) > size + granularity {
                fruitless[vnode] = nil
                outcome.obstacle = .noMemory
            } else {
                outcome.pause = .zero
            }
        default: outcome = try self.outcome(move, vnode, refused: .pnodeFull)
        }
        return outcome
    }

    private func outcome(_ move: ModuleMove, _ vnode: Int, refused: HeldReason) throws(BalloonError) -> Outcome {
        if move.done > 0 { fruitless[vnode] = nil }
        var outcome = Outcome(balloonFrames: balloonFrames(vnode: vnode))
        switch move.reason {
        case .all: break
        // While some extents are in doubt the balloon is larger than what was asked for.
        case .empty: if lostExtents(vnode: vnode) > 0 { outcome.obstacle = .hypervisorRefused }
        case .noMemory, .unknownPlace: outcome.obstacle = .noMemory
        case .refused: outcome.obstacle = refused
        case .atMaximum: outcome.obstacle = .maxReservation
        case .migrating: outcome.obstacle = .migrating
        case .pressure: outcome.obstacle = .guard
        case .interrupted: if move.done == 0 { outcome.pause = Self.again }
        case .unsure:
            throw BalloonError(
                .suspended, "the domain was suspended: the kernel module audits every frame", vnode: vnode)
        case .closed:
            throw BalloonError(
                .system, "kexec or hibernation is under way: nothing is given",
                vnode: vnode)
        }
        return outcome
    }

    // MARK: What is given is the module's

    /// A slot is an extent that is given; slot 0 was given longest ago. The module asks about every frame in any case.
    public func audit(vnode: Int, slots: Range<Int>, everyFrame: Bool) throws(BalloonError) -> [AuditFinding] {
        guard try !module.state().isUnsure else {
            throw BalloonError(.looking, "the kernel module audits every frame after a resume", vnode: vnode)
        }
        var findings: [AuditFinding] = []
        for slot in slots.clamped(to: 0..<slotCount(vnode: vnode)) {
            let found = try module.audit(vnode: vnode, extents: slot..<slot + 1)
            // The module reports no frame number.
            if found.ram > 0 { findings.append(AuditFinding(vnode: vnode, slot: slot, gfn: 0, kind: .ramInBalloon)) }
            if found.other > 0 { findings.append(AuditFinding(vnode: vnode, slot: slot, gfn: 0, kind: .unknownType)) }
        }
        if slots.lowerBound == 0 {
            for _ in 0..<lostExtents(vnode: vnode) {
                findings.append(AuditFinding(vnode: vnode, slot: 0, gfn: 0, kind: .lost))
            }
        }
        return findings
    }

    /// The module corrects its list by itself after a resume.
    public func lookAgain(vnode: Int, slots: Range<Int>) throws(BalloonError) { _ = try module.vnode(vnode) }
    public func slotCount(vnode: Int) -> Int { (try? module.vnode(vnode))?.given ?? 0 }
    /// This mover keeps no notes about what the module gave.
    public func distrust() {}
    /// Does nothing: this mover moves memory only within a step.
    public func rest() {}
}
