import Simulation
import Testing
import VNodeBalloon

/// Two kinds of slots are lost: one whose page the kernel no longer maps, and one with a frame that is neither RAM nor
/// a hole. All other memory must come back.
@Suite struct LostSlotTests {
    let machine: Machine
    let intents: SimulatedIntents
    let start: Machine.Fingerprint

    init() {
        machine = Machine(Layout(pnodes: [0, 1], blocksPerVNode: 16, hostFreeFrames: 600))
        intents = SimulatedIntents(machine)
        start = machine.fingerprint
    }

    func process() throws -> PrivcmdMover {
        machine.restart()
        let layout = machine.layout
        var reserves: [Int: any PageReserve] = [:]
        for vnode in layout.vnodes { reserves[vnode.number] = SimulatedReserve(machine, vnode: vnode.number) }
        let backend = try PrivcmdMover(
            vnodes: layout.vnodes, hypervisor: SimulatedXen(machine), reserves: reserves, intents: intents)
        try backend.recover(vnodes: [0, 1])
        return backend
    }

    func deflateAll(_ backend: PrivcmdMover) throws {
        for _ in 0..<12 {
            _ = try backend.deflate(vnode: 0, extents: 64)
            while try backend.tidy(vnode: 0) == .more {}
        }
    }

    /// Checks that all of the balloon but one page is back, and that this page is counted, reported and never freed.
    func checkAllButOne(_ backend: PrivcmdMover, slot: Int, kind: AuditFinding.Kind) throws {
        #expect(backend.balloonFrames(vnode: 0) == 0)
        #expect(backend.lostExtents(vnode: 0) == 1)
        #expect(backend.isEmpty(vnode: 0) == false)
        let findings = try backend.audit(vnode: 0, slots: 0..<16, everyFrame: true)
        #expect(findings.map(\.slot) == [slot] && findings.map(\.kind) == [kind])
        #expect(machine.fingerprint.mapped[0] == start.mapped[0] - 512)
        #expect(machine.fingerprint.poolTotals[0] == start.poolTotals[0] + 1)
        #expect(machine.violations == [])
    }

    @Test(arguments: [false, true])
    func `a poisoned page is counted as lost and never freed, and the others come back`(_ isRestarted: Bool) throws {
        var backend = try process()
        _ = try backend.inflate(vnode: 0, extents: 8)
        machine.poison(vnode: 0, slot: 5)
        if isRestarted {
            machine.killNow()
            backend = try process()
            #expect(backend.balloonFrames(vnode: 0) == Frames(7 * 512))
        }
        try deflateAll(backend)
        try checkAllButOne(backend, slot: 5, kind: .lost)
        // Beside the lost slot the balloon can grow and shrink.
        #expect(try backend.inflate(vnode: 0, extents: 2) == Outcome(balloonFrames: 1024))
        try deflateAll(backend)
        try checkAllButOne(backend, slot: 5, kind: .lost)
    }

    @Test func `a slot with a frame that is neither RAM nor a hole is lost, and the others come back`() throws {
        var backend = try process()
        _ = try backend.inflate(vnode: 0, extents: 8)
        machine.killNow()
        machine.makeForeign(vnode: 0, slot: 3, frame: 511)
        backend = try process()
        #expect(backend.balloonFrames(vnode: 0) == Frames(7 * 512))
        try deflateAll(backend)
        #expect(backend.balloonFrames(vnode: 0) == 0 && backend.lostExtents(vnode: 0) == 1)
        let findings = try backend.audit(vnode: 0, slots: 0..<16, everyFrame: true)
        #expect(findings.map(\.kind) == [.unknownType] && findings.map(\.slot) == [3])
        #expect(machine.violations == [])
    }
}
