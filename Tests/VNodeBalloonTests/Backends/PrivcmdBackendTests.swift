import Simulation
import Testing
import VNodeBalloon

/// Cases that random schedules find only now and then, and what moving costs.
@Suite struct PrivcmdBackendTests {
    let machine: Machine
    let intents: SimulatedIntents
    let start: Machine.Fingerprint

    init() {
        machine = Machine(Layout(pnodes: [0, 1], blocksPerVNode: 16, hostFreeFrames: 100, foreignPages: 1))
        intents = SimulatedIntents(machine)
        start = machine.fingerprint
    }

    /// A process that has looked at everything.
    func process() throws -> PrivcmdBackend {
        machine.restart()
        let layout = machine.layout
        var reserves: [Int: any PageReserve] = [:]
        for vnode in layout.vnodes { reserves[vnode.number] = SimulatedReserve(machine, vnode: vnode.number) }
        let backend = try PrivcmdBackend(
            vnodes: layout.vnodes, hypervisor: SimulatedXen(machine), reserves: reserves, intents: intents)
        for vnode in layout.vnodes { _ = try backend.recover(vnode: vnode.number) }
        return backend
    }

    static func outcome(_ frames: UInt64, _ obstacle: HeldReason? = nil) -> Outcome {
        Outcome(balloonFrames: frames, obstacle: obstacle)
    }

    @Test func nothingMovesBeforeALook() throws {
        let layout = machine.layout
        let backend = try PrivcmdBackend(
            vnodes: layout.vnodes, hypervisor: SimulatedXen(machine),
            reserves: [0: SimulatedReserve(machine, vnode: 0)], intents: intents)
        #expect(throws: BalloonError.self) { try backend.inflate(vnode: 0, extents: 1) }
        #expect(try backend.inflate(vnode: 1, extents: 1) == Self.outcome(0, .noNode))
    }

    /// Whichever step of a move it is killed at: the next process ends it, and all is as before.
    @Test func aKillAtEveryStepOfAMove() throws {
        for step in 0..<200 {
            let backend = try process()
            let first = machine.steps
            machine.plan = [first + step / 2: step % 2 == 0 ? .crashBefore : .crashAfter]
            _ = try? backend.inflate(vnode: 0, extents: 3)
            _ = try? backend.deflate(vnode: 0, extents: 2)
            _ = try? backend.deflate(vnode: 0, extents: 1)
            let wasKilled = machine.isKilled
            machine.plan = [:]
            machine.killNow()
            machine.migrateUnpinned()
            let next = try process()
            #expect(next.balloonFrames(vnode: 0) == machine.holes(vnode: 0), "step \(step)")
            _ = try next.deflate(vnode: 0, extents: 64)
            #expect(machine.fingerprint == start && machine.violations.isEmpty, "step \(step)")
            if !wasKilled { return }
        }
        Issue.record("a move has more than 100 steps")
    }

    @Test func framesThatOthersUseAreTakenBack() throws {
        machine.reference(vnode: 0, every: 512)
        let backend = try process()
        #expect(try backend.inflate(vnode: 0, extents: 2) == Self.outcome(0, .hypervisorRefused))
        machine.dropReferences()
        #expect(machine.fingerprint == start && machine.violations.isEmpty)
    }

    @Test func anExtentThatGoesOnlyInPartIsTakenBack() throws {
        machine.stick(vnode: 0, blocks: 1, frame: 300)
        let backend = try process()
        let outcome = try backend.inflate(vnode: 0, extents: 1)
        #expect(outcome.obstacle == .hypervisorRefused && outcome.balloonFrames == machine.holes(vnode: 0))
        machine.unstick()
        _ = try backend.deflate(vnode: 0, extents: 1)
        #expect(machine.fingerprint == start && machine.violations.isEmpty)
    }

    @Test func aFullPhysicalNodeHoldsAndLetsGo() throws {
        let backend = try process()
        #expect(try backend.inflate(vnode: 0, extents: 2) == Self.outcome(1024))
        machine.hostTakes(800, pnode: 0)
        let outcome = try backend.deflate(vnode: 0, extents: 2)
        #expect(outcome == Self.outcome(1024 - 324, .pnodeFull))
        #expect(try backend.audit(vnode: 0, slots: 0..<9, everyFrame: true) == [])
        machine.hostGivesBack(pnode: 0)
        #expect(try backend.deflate(vnode: 0, extents: 1) == Self.outcome(512))
        #expect(try backend.deflate(vnode: 0, extents: 1) == Self.outcome(0))
        #expect(machine.fingerprint == start && machine.violations.isEmpty)
    }

    @Test func theMaximumReservationIsNamed() throws {
        let backend = try process()
        _ = try backend.inflate(vnode: 0, extents: 1)
        machine.maximumReservation = machine.currentReservation
        #expect(try backend.deflate(vnode: 0, extents: 1) == Self.outcome(512, .maxReservation))
    }

    @Test func noMoreThanTheNodeHas() throws {
        let backend = try process()
        machine.hog(vnode: 0, blocks: 14)
        #expect(try backend.inflate(vnode: 0, extents: 4) == Self.outcome(0, .noMemory))
        machine.unhog(vnode: 0)
        machine.hog(vnode: 0, blocks: 12)
        #expect(try backend.inflate(vnode: 0, extents: 4).balloonFrames == 1024)
        #expect(try backend.inflate(vnode: 0, extents: 4) == Self.outcome(1024, .noMemory))
    }

    /// 23 us a probe: two an extent are cheap, 512 are dearer than all the rest.
    @Test func anUndisturbedMoveProbesTwoFramesAnExtent() throws {
        let backend = try process()
        let before = machine.probes
        _ = try backend.inflate(vnode: 0, extents: 4)
        let inflating = machine.probes - before
        _ = try backend.deflate(vnode: 0, extents: 4)
        #expect(inflating <= 8)
        #expect(machine.probes - before - inflating <= 8)
    }

    /// A new process does not know what the reservation was, and asks about two frames of an extent only.
    @Test func partOfAnExtentThatCameBackWhileNobodyLooked() throws {
        _ = try process().inflate(vnode: 0, extents: 2)
        machine.killNow()
        machine.bringBack(vnode: 0, slot: 1, from: 100, count: 50)
        let next = try process()
        withKnownIssue("the reservation is not noted") {
            #expect(next.balloonFrames(vnode: 0) == machine.holes(vnode: 0))
        }
    }
}
