import Conformance
import Logging
import Simulation
import Testing

@testable import VNodeBalloon

/// The mover that lets the kernel module move memory.
@Suite struct ModuleMoverTests {
    let module = SimulatedModule(extentsPerVNode: 40)
    let backend: ModuleMover

    init() { backend = ModuleMover(vnodes: module.vnodes, module: module, pause: { _ in }) }

    @Test(arguments: MoverCheck.all.indices, [true, false])
    func `the module's mover passes every mover check`(_ number: Int, hasVNUMA: Bool) {
        let module = SimulatedModule(extentsPerVNode: 12, vnodes: hasVNUMA ? 3 : 1, hasVNUMA: hasVNUMA)
        let backend = ModuleMover(vnodes: module.vnodes, module: module, pause: { _ in })
        let check = MoverCheck.all[number]
        #expect(check.run(.init(mover: backend, figures: module)) == nil, "\(check.name)")
    }

    /// The held reason for each reason for which the module stops a move.
    @Test(arguments: [
        (ModuleMove.Reason.noMemory, HeldReason.noMemory, HeldReason.noMemory),
        (.refused, .hypervisorRefused, .pnodeFull), (.atMaximum, .maxReservation, .maxReservation),
        (.migrating, .migrating, .migrating), (.pressure, .guard, .guard),
    ])
    func `each reason for which the module stops a move becomes the held reason`(
        _ reason: ModuleMove.Reason, inflating: HeldReason, deflating: HeldReason
    ) throws {
        let fixed = FixedModule(module, reason)
        let backend = ModuleMover(vnodes: module.vnodes, module: fixed, pause: { _ in })
        #expect(try backend.inflate(vnode: 0, extents: 4).obstacle == inflating)
        #expect(try backend.deflate(vnode: 0, extents: 4).obstacle == deflating)
    }

    @Test func `memory that the kernel takes back by itself leaves the balloon, down to what is kept`() throws {
        _ = try backend.inflate(vnode: 1, extents: 20)
        module.takeBackForOthers(1, 16)
        #expect(backend.balloonFrames(vnode: 1) == Frames(4 * 512))
        try backend.keep(vnode: 1, size: 4096)
        module.takeBackForOthers(1, 16)
        #expect(backend.balloonFrames(vnode: 1) == Frames(2 * 512))
    }

    /// Until the module's audit is done, extents that it holds may be RAM again.
    @Test func `after a resume the balloon is unknown until the module has looked at every extent`() throws {
        _ = try backend.inflate(vnode: 0, extents: 3)
        module.resume(frames: 200, of: 0)
        #expect(backend.balloonFrames(vnode: 0) == nil)
        #expect(backend.isEmpty(vnode: 0) == nil)
        #expect(throws: BalloonError.self) { try backend.deflate(vnode: 0, extents: 1) }
        #expect(throws: BalloonError.self) { try backend.audit(vnode: 0, slots: 0..<3, everyFrame: true) }
        try backend.beginRecovery(vnode: 0, .frames)
        #expect(try backend.continueRecovery(vnode: 0) == .going(done: 0, of: 3))
        module.haveLooked()
        #expect(try backend.continueRecovery(vnode: 0) == .done)
        #expect(backend.balloonFrames(vnode: 0) == Frames(3 * 512))
        #expect(try backend.deflate(vnode: 0, extents: 3) == Outcome(balloonFrames: 0))
    }

    @Test func `an extent in doubt is not part of the balloon, and is counted as lost`() throws {
        (module.refusesEvery, module.leavesDoubt) = (3, true)
        #expect(try backend.inflate(vnode: 0, extents: 5).balloonFrames == Frames(2 * 512))
        #expect(backend.lostExtents(vnode: 0) == 1)
        module.refusesEvery = nil
        let outcome = try backend.deflate(vnode: 0, extents: 5)
        #expect(outcome == Outcome(balloonFrames: 0, obstacle: .hypervisorRefused))
        #expect(backend.isEmpty(vnode: 0) == false)
        #expect(try backend.audit(vnode: 0, slots: 0..<1, everyFrame: true).map(\.kind) == [.lost])
    }

    @Test func `a module's audit names the slot that has memory`() throws {
        _ = try backend.inflate(vnode: 0, extents: 6)
        module.places[0].given[4] = 7
        let findings = try backend.audit(vnode: 0, slots: 2..<6, everyFrame: false)
        #expect(findings == [AuditFinding(vnode: 0, slot: 4, gfn: 0, kind: .ramInBalloon)])
    }

    @Test func `a module that does not answer leaves the balloon unknown, not empty`() throws {
        _ = try backend.inflate(vnode: 0, extents: 6)
        module.failures = 3
        #expect(backend.balloonFrames(vnode: 0) == nil)
        #expect(backend.isEmpty(vnode: 0) == nil)
        #expect(throws: BalloonError.self) { try backend.continueRecovery(vnode: 0) }
        #expect(backend.balloonFrames(vnode: 0) == Frames(6 * 512))
    }

    @Test func `a move of the module that a signal interrupts is repeated, and is no failure`() throws {
        module.interruptions = 1
        let outcome = try backend.inflate(vnode: 0, extents: 2)
        #expect(outcome.obstacle == nil && outcome.pause == ModuleMover.again)
    }

    // MARK: PV

    /// The module moves memory to the vnode's physical node before it gives it. A vnode without
    /// more such memory is held.
    @Test func `in a PV guest a vnode's memory is moved home before it is given`() throws {
        let module = SimulatedModule(extentsPerVNode: 16, isPV: true, sharedNode: true)
        let backend = ModuleMover(vnodes: module.vnodes, module: module, pause: { _ in })
        var steps = 0
        while (backend.balloonFrames(vnode: 1) ?? 0) < 10 * 512, steps < 100 {
            #expect(try backend.inflate(vnode: 1, extents: 2).obstacle == nil)
            steps += 1
        }
        #expect(backend.balloonFrames(vnode: 1) == Frames(10 * 512))
        #expect(backend.balloonFrames(vnode: 0) == 0)
        (module.places[1].free, module.places[1].home) = (0, 0)
        var obstacle: HeldReason?
        for _ in 0..<8 where obstacle == nil { obstacle = try backend.inflate(vnode: 1, extents: 2).obstacle }
        #expect(obstacle == .noMemory)
    }

    // MARK: With the engine

    /// Two vnodes, refusals by Xen now and then, and a shortage of memory: both targets are reached all the same.
    @Test(arguments: [nil, 3, 7])
    func `the engine reaches its targets through the module, in spite of refusals`(_ refusesEvery: Int?) throws {
        let work = try TemporaryDirectory()
        var now: Moment = 0
        let module = SimulatedModule(extentsPerVNode: 200)
        let guest = Guest(
            kind: .pvh, figures: module,
            mover: ModuleMover(vnodes: module.vnodes, module: module, pause: { _ in }),
            memory: { () throws(BalloonError) in [0: Hand.memory(availableMiB: 400), 1: Hand.memory(availableMiB: 400)]
            },
            rest: { _ in })
        let engine = BalloonEngine(
            guest: guest, state: try StateDirectory(path: work.path), options: .init(),
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, clock: { now })
        try engine.recover()
        module.refusesEvery = refusesEvery
        func turns() {
            for _ in 0..<2000 {
                guard let due = engine.step() else { break }
                now = max(now + 1000, due)
            }
        }
        var reading = engine.reading
        (reading.hasTargets, reading.requests) = (true, [0: .size(65536), 1: .size(131_072)])
        engine.take(reading)
        turns()
        #expect(module.places.map(\.given.count) == [32, 64])
        #expect(engine.controller.states.map(\.balloon) == [65536, 131_072])
        module.takeBackForOthers(1, 16)
        turns()
        #expect(module.places.map(\.given.count) == [32, 64])
        reading.requests = [0: .size(0), 1: .size(0)]
        engine.take(reading)
        turns()
        #expect(module.places.map(\.given.count) == [0, 0])
        #expect(engine.isEmpty == true)
    }
}

/// A module that stops each move at once, always for the same reason.
private final class FixedModule: BalloonModule {
    private let module: SimulatedModule
    private let move: ModuleMove

    init(_ module: SimulatedModule, _ reason: ModuleMove.Reason) {
        self.module = module
        move = ModuleMove(done: 0, reason: reason)
    }

    var descriptor: Int32? { nil }
    func state() throws(BalloonError) -> ModuleState { try module.state() }
    func vnode(_ number: Int) throws(BalloonError) -> ModuleVNode { try module.vnode(number) }
    func give(vnode: Int, extents: Int) -> ModuleMove { move }
    func release(vnode: Int, extents: Int) -> ModuleMove { move }
    func rehome(vnode: Int, extents: Int) -> ModuleMove { move }
    func audit(vnode: Int, extents: Range<Int>) throws(BalloonError) -> ModuleAudit {
        try module.audit(vnode: vnode, extents: extents)
    }
    func keep(vnode: Int, extents: Int) {}
}
