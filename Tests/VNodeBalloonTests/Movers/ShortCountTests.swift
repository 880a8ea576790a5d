import Simulation
import Testing
import VNodeBalloon

/// A short count says which extents moved. Xen is asked only about slots that the count leaves in doubt.
@Suite struct ShortCountTests {
    let machine: Machine
    let intents: SimulatedIntents
    let start: Machine.Fingerprint

    init() {
        machine = Machine(Layout(pnodes: [0, 1], blocksPerVNode: 80, hostFreeFrames: 0))
        intents = SimulatedIntents(machine)
        start = machine.fingerprint
    }

    func process(extents: Int) throws -> PrivcmdMover {
        let layout = machine.layout
        var reserves: [Int: any PageReserve] = [:]
        for vnode in layout.vnodes { reserves[vnode.number] = SimulatedReserve(machine, vnode: vnode.number) }
        let backend = try PrivcmdMover(
            vnodes: layout.vnodes, hypervisor: SimulatedXen(machine), reserves: reserves, intents: intents)
        try backend.recover(vnodes: [0, 1])
        _ = try backend.inflate(vnode: 0, extents: extents)
        return backend
    }

    /// The physical node has no contiguous 2 MiB. So each step takes one extent back frame by frame. Xen counts all of
    /// them, so no frame needs a probe.
    @Test func `a deflate on a fragmented physical node probes no frame`() throws {
        let backend = try process(extents: 64)
        machine.isFragmented[0] = true
        let (probes, clock) = (machine.probes, machine.clock)
        for step in 1...8 {
            let outcome = try backend.deflate(vnode: 0, extents: 64)
            #expect(outcome == Outcome(balloonFrames: Frames(512) * UInt64(64 - step)))
        }
        #expect(machine.probes == probes)
        #expect(
            machine.clock - clock < .milliseconds(64), "\((machine.clock - clock).wholeMilliseconds / 8) ms an extent")
        // The node has contiguous memory again, so steps grow.
        machine.isFragmented[0] = false
        for _ in 0..<6 { _ = try backend.deflate(vnode: 0, extents: 64) }
        #expect(machine.fingerprint == start && machine.violations.isEmpty)
    }

    /// Only the extent at which Xen stopped is in doubt.
    @Test func `an inflate that stops short asks Xen about the frames of one extent only`() throws {
        let backend = try process(extents: 4)
        machine.stick(vnode: 0, blocks: 3, frame: 100)
        let probes = machine.probes
        let outcome = try backend.inflate(vnode: 0, extents: 16)
        #expect(outcome.obstacle == .hypervisorRefused)
        #expect(outcome.balloonFrames == Frames(machine.holes(vnode: 0)))
        // One probe for each new extent, to check that it is RAM, and 512 for the one at which Xen stopped.
        #expect(machine.probes - probes <= 16 + 512)
        machine.unstick()
        for _ in 0..<3 { _ = try backend.deflate(vnode: 0, extents: 64) }
        #expect(machine.fingerprint == start && machine.violations.isEmpty)
    }

    /// The slots of earlier steps stay known.
    @Test func `a step that failed leaves only its own slots in doubt`() throws {
        let backend = try process(extents: 40)
        machine.plan = [machine.steps + 5: .lateError]
        #expect(throws: BalloonError.self) { try backend.deflate(vnode: 0, extents: 3) }
        #expect(backend.balloonFrames(vnode: 0) == nil, "nothing is known before Xen was asked")
        #expect(backend.isEmpty(vnode: 0) == nil)
        #expect(throws: BalloonError.self) { try backend.audit(vnode: 0, slots: 0..<8, everyFrame: false) }
        let probes = machine.probes
        try backend.beginRecovery(vnode: 0, .doubts)
        while try backend.continueRecovery(vnode: 0) != .done {}
        #expect(machine.probes - probes <= 3 * 512)
        #expect(backend.balloonFrames(vnode: 0) == Frames(machine.holes(vnode: 0)))
    }
}
