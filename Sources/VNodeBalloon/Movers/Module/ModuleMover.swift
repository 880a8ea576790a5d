/// Moves memory with the kernel module, in guests of every kind.
///
/// What is given is the kernel's: it outlives this process, and there is no file, no pin and no holder. The module does by
/// itself what a resume and a shortage of memory ask for, so each size is read from it before it is believed.
public final class ModuleMover: Mover, SlotAuditing {
    public let name = "module"
    public let granularity: KiB = .mib(2)
    public let vnodes: [VNode]
    /// 3 ms an extent on the way out, a quarter of one on the way back: the loop is not deaf for longer than 20 ms.
    public let steps = StepLimits(inflateExtents: 6, deflateExtents: 64)
    public let isMovedByOthers = true
    public let includesLinuxBalloon = false

    private let module: any BalloonModule
    private let pause: (Interval) -> Void
    /// PV: extents that were tried since the last one came home. When that is all of a vnode, there is no more.
    private var fruitless: [Int: Int] = [:]

    /// How long a recovery lets the module look, before it asks again.
    private static let look: Interval = .milliseconds(5)
    /// How soon a move that was interrupted is tried again.
    static let again: Interval = .milliseconds(10)
    /// PV: extents whose place one step asks for.
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

    /// The module has audited every frame by the time that it is sure.
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

    /// PV: memory of the vnode is only given once it is known to lie on the vnode's physical node.
    private func bringHome(_ vnode: Int) throws(BalloonError) -> Outcome {
        let move = try module.rehome(vnode: vnode, extents: Self.homecoming)
        let size = vnodes.first { $0.number == vnode }?.size ?? .zero
        let looked = move.done > 0 ? 0 : (fruitless[vnode] ?? 0) + Self.homecoming
        fruitless[vnode] = looked
        var outcome: Outcome
        switch move.reason {
        case .all, .empty:
            outcome = Outcome(balloonFrames: balloonFrames(vnode: vnode))
            // All of it was tried, and no more can be brought home: what is left of the vnode is in use.
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
        // With some in doubt the balloon is not as small as it was asked to be.
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

    /// Slots are extents that are given, the one given longest ago first. Every frame is asked about in any case.
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

    /// The module puts right what it finds by itself, after a resume.
    public func lookAgain(vnode: Int, slots: Range<Int>) throws(BalloonError) { _ = try module.vnode(vnode) }
    public func slotCount(vnode: Int) -> Int { (try? module.vnode(vnode))?.given ?? 0 }
    /// It has no books of what the module gave.
    public func distrust() {}
    /// Nothing goes on by itself.
    public func rest() {}
}
