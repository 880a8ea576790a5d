import Simulation
import Testing
import VNodeBalloon

/// Cases that random schedules find only now and then, and the cost of a move.
@Suite struct PrivcmdMoverTests {
    let machine: Machine
    let intents: SimulatedIntents
    let start: Machine.Fingerprint

    init() {
        machine = Machine(Layout(pnodes: [0, 1], blocksPerVNode: 16, hostFreeFrames: 100, foreignPages: 1))
        intents = SimulatedIntents(machine)
        start = machine.fingerprint
    }

    /// A process that has recovered all vnodes.
    func process() throws -> PrivcmdMover {
        machine.restart()
        let layout = machine.layout
        var reserves: [Int: any PageReserve] = [:]
        for vnode in layout.vnodes { reserves[vnode.number] = SimulatedReserve(machine, vnode: vnode.number) }
        let backend = try PrivcmdMover(
            vnodes: layout.vnodes, hypervisor: SimulatedXen(machine), reserves: reserves, intents: intents)
        try backend.recover(vnodes: layout.vnodes.map(\.number))
        return backend
    }

    static func outcome(_ frames: Frames, _ obstacle: HeldReason? = nil) -> Outcome {
        Outcome(balloonFrames: frames, obstacle: obstacle)
    }

    @Test func `an inflate before the first recovery is refused`() throws {
        let layout = machine.layout
        let backend = try PrivcmdMover(
            vnodes: layout.vnodes, hypervisor: SimulatedXen(machine),
            reserves: [0: SimulatedReserve(machine, vnode: 0)], intents: intents)
        #expect(throws: BalloonError.self) { try backend.inflate(vnode: 0, extents: 1) }
        #expect(try backend.inflate(vnode: 1, extents: 1) == Self.outcome(0, .noNode))
    }

    /// Runs `body` again and again, with a kill at each of its steps in turn, until it runs to its end. After each kill
    /// the next process must complete or undo what was begun, and everything must be as before.
    func killEverywhere(_ prepare: (PrivcmdMover) throws -> Void, _ body: (PrivcmdMover) throws -> Void) throws {
        for step in 0..<200 {
            let backend = try process()
            try prepare(backend)
            machine.plan = [machine.steps + step / 2: step % 2 == 0 ? .crashBefore : .crashAfter]
            try? body(backend)
            let wasKilled = machine.isKilled
            machine.plan = [:]
            machine.killNow()
            machine.migrateUnpinned()
            let next = try process()
            #expect(next.balloonFrames(vnode: 0) == Frames(machine.holes(vnode: 0)), "step \(step)")
            // A call ends when it reaches a slot that is RAM already, so it takes several.
            for _ in 0..<3 { _ = try next.deflate(vnode: 0, extents: 64) }
            #expect(machine.fingerprint == start && machine.violations.isEmpty, "step \(step)")
            if !wasKilled { return }
        }
        Issue.record("it has more than 100 steps")
    }

    @Test func `a kill at any step of a move is made good by the next process`() throws {
        try killEverywhere { _ in
        } _: { backend in
            _ = try backend.inflate(vnode: 0, extents: 3)
            _ = try backend.deflate(vnode: 0, extents: 2)
            _ = try backend.deflate(vnode: 0, extents: 1)
        }
    }

    /// Slots that came back as RAM are freed together with the last slot.
    @Test func `a kill while more is freed than was moved is made good by the next process`() throws {
        try killEverywhere { backend in
            _ = try backend.inflate(vnode: 0, extents: 3)
            machine.bringBack(vnode: 0, slot: 1, from: 0, count: 512)
            _ = try backend.recover(vnode: 0)
        } _: { backend in
            _ = try backend.deflate(vnode: 0, extents: 1)
        }
    }

    /// A recovery may free slots without a move.
    @Test func `a kill while a recovery frees slots is made good by the next process`() throws {
        try killEverywhere { backend in
            _ = try backend.inflate(vnode: 0, extents: 3)
            machine.bringBack(vnode: 0, slot: 1, from: 0, count: 512)
            machine.bringBack(vnode: 0, slot: 2, from: 0, count: 512)
        } _: { backend in
            _ = try backend.recover(vnode: 0)
        }
    }

    /// One process saw the frames that a migration brought back. The next one must find them, too.
    @Test func `a kill while a recovery finds returned frames is made good by the next process`() throws {
        try killEverywhere { backend in
            _ = try backend.inflate(vnode: 0, extents: 2)
            machine.bringBack(vnode: 0, slot: 1, from: 100, count: 50)
        } _: { backend in
            _ = try backend.recover(vnode: 1)
            _ = try backend.recover(vnode: 0)
        }
    }

    @Test func `an inflate of frames that another domain has mapped is refused and undone`() throws {
        machine.reference(vnode: 0, every: 512)
        let backend = try process()
        #expect(try backend.inflate(vnode: 0, extents: 2) == Self.outcome(0, .hypervisorRefused))
        machine.dropReferences()
        #expect(machine.fingerprint == start && machine.violations.isEmpty)
    }

    @Test func `a returned frame that another domain has mapped is kept, and the rest is given`() throws {
        let backend = try process()
        _ = try backend.inflate(vnode: 0, extents: 1)
        machine.bringBack(vnode: 0, slot: 0, from: 10, count: 5)
        #expect(try backend.recover(vnode: 0) == 507)
        let gfn = try #require(try SimulatedReserve(machine, vnode: 0).frames(of: 0..<1)[0])
        machine.referenced = [gfn + 11]
        let outcome = try backend.inflate(vnode: 0, extents: 1)
        #expect(outcome.obstacle == .hypervisorRefused && outcome.balloonFrames == Frames(machine.holes(vnode: 0)))
        machine.dropReferences()
        _ = try backend.deflate(vnode: 0, extents: 1)
        #expect(machine.fingerprint == start && machine.violations.isEmpty)
    }

    /// It is not known whether the new page's frames are holes. The old page's holes have no slot any more.
    @Test func `a page that was replaced behind the daemon is not populated, and the audit names it`() throws {
        let backend = try process()
        _ = try backend.inflate(vnode: 0, extents: 2)
        machine.replacePage(vnode: 0, slot: 1)
        let before = machine.fingerprint
        #expect(throws: BalloonError.self) { try backend.deflate(vnode: 0, extents: 1) }
        #expect(machine.fingerprint.mapped == before.mapped && machine.fingerprint.slots == before.slots)
        let findings = try backend.audit(vnode: 0, slots: 0..<2, everyFrame: false)
        #expect(findings.map(\.kind) == [.moved] && findings.map(\.slot) == [1])
        #expect(machine.violations.isEmpty)
    }

    @Test func `an extent of which Xen takes only a part is taken back`() throws {
        machine.stick(vnode: 0, blocks: 1, frame: 300)
        let backend = try process()
        let outcome = try backend.inflate(vnode: 0, extents: 1)
        #expect(outcome.obstacle == .hypervisorRefused && outcome.balloonFrames == Frames(machine.holes(vnode: 0)))
        machine.unstick()
        _ = try backend.deflate(vnode: 0, extents: 1)
        #expect(machine.fingerprint == start && machine.violations.isEmpty)
    }

    @Test func `a full physical node holds a deflate, which goes on when memory is free`() throws {
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

    @Test func `a deflate at the maximum reservation is held with max-reservation`() throws {
        let backend = try process()
        _ = try backend.inflate(vnode: 0, extents: 1)
        machine.maximumReservation = machine.currentReservation
        #expect(try backend.deflate(vnode: 0, extents: 1) == Self.outcome(512, .maxReservation))
    }

    @Test func `an inflate gives no more pages than the node has`() throws {
        let backend = try process()
        machine.hog(vnode: 0, blocks: 14)
        #expect(try backend.inflate(vnode: 0, extents: 4) == Self.outcome(0, .noMemory))
        machine.unhog(vnode: 0)
        machine.hog(vnode: 0, blocks: 12)
        #expect(try backend.inflate(vnode: 0, extents: 4).balloonFrames == 1024)
        #expect(try backend.inflate(vnode: 0, extents: 4) == Self.outcome(1024, .noMemory))
    }

    /// Frames that another program populated are found slice by slice while other slots still
    /// move, and are given again.
    @Test func `returned frames are found slice by slice, and given again`() throws {
        let backend = try process()
        _ = try backend.inflate(vnode: 0, extents: 6)
        machine.bringBack(vnode: 0, slot: 1, from: 100, count: 50)
        machine.bringBack(vnode: 0, slot: 4, from: 0, count: 512)
        try backend.lookAgain(vnode: 0, slots: 0..<3)
        #expect(backend.balloonFrames(vnode: 0) == Frames(6 * 512 - 50))
        #expect(try backend.inflate(vnode: 0, extents: 1) == Self.outcome(6 * 512))
        _ = try backend.inflate(vnode: 0, extents: 1)
        try backend.lookAgain(vnode: 0, slots: 3..<20)
        let found = backend.balloonFrames(vnode: 0)
        #expect(found == Frames(6 * 512) && found == Frames(machine.holes(vnode: 0)))
        #expect(try backend.inflate(vnode: 0, extents: 1) == Self.outcome(7 * 512))
        for _ in 0..<3 { _ = try backend.deflate(vnode: 0, extents: 64) }
        #expect(machine.fingerprint == start && machine.violations.isEmpty)
    }

    /// Xen is not asked about a page that took another one's place, but about all other pages.
    @Test func `a slice's recovery leaves a replaced page alone, and counts the rest`() throws {
        let backend = try process()
        _ = try backend.inflate(vnode: 0, extents: 2)
        machine.bringBack(vnode: 0, slot: 0, from: 0, count: 1)
        machine.replacePage(vnode: 0, slot: 1)
        try backend.lookAgain(vnode: 0, slots: 0..<2)
        #expect(backend.balloonFrames(vnode: 0) == 1023)
        #expect(try backend.audit(vnode: 0, slots: 0..<2, everyFrame: true).map(\.kind) == [.moved])
    }

    /// A probe takes 23 us. Two probes an extent are cheap; 512 would take longer than the rest of the move.
    @Test func `an undisturbed move probes at most two frames an extent`() throws {
        let backend = try process()
        let before = machine.probes
        _ = try backend.inflate(vnode: 0, extents: 4)
        let inflating = machine.probes - before
        _ = try backend.deflate(vnode: 0, extents: 4)
        #expect(inflating <= 8)
        #expect(machine.probes - before - inflating <= 8)
    }

    /// As many frames came back as another vnode gave, so the total does not show it.
    @Test func `frames that came back are found although a move on another vnode makes up for them`() throws {
        let first = try process()
        _ = try first.inflate(vnode: 0, extents: 1)
        _ = try first.inflate(vnode: 1, extents: 2)
        machine.killNow()
        machine.bringBack(vnode: 1, slot: 0, from: 100, count: 256)
        machine.bringBack(vnode: 1, slot: 1, from: 100, count: 256)
        machine.restart()
        let second = try PrivcmdMover(
            vnodes: machine.layout.vnodes, hypervisor: SimulatedXen(machine),
            reserves: [0: SimulatedReserve(machine, vnode: 0), 1: SimulatedReserve(machine, vnode: 1)],
            intents: intents)
        _ = try second.recover(vnode: 0)
        _ = try second.inflate(vnode: 0, extents: 1)
        machine.killNow()
        #expect(try process().balloonFrames(vnode: 1) == 512)
    }

    /// The total in the record tells the new process that it must ask about every frame.
    @Test func `part of an extent that came back while no daemon ran is found by the next process`() throws {
        _ = try process().inflate(vnode: 0, extents: 2)
        machine.killNow()
        machine.bringBack(vnode: 0, slot: 1, from: 100, count: 50)
        let next = try process()
        #expect(next.balloonFrames(vnode: 0) == Frames(machine.holes(vnode: 0)))
    }
}
