import Simulation
import Testing
import VNodeBalloon

/// The domain is migrated between any two steps, and holes become RAM.
@Suite struct MigrationTests {
    let machine: Machine
    let intents: SimulatedIntents
    let start: Machine.Fingerprint

    init() {
        machine = Machine(
            Layout(pnodes: [0], blocksPerVNode: 10, hostFreeFrames: 100, foreignPages: 1, hasVNUMA: false))
        intents = SimulatedIntents(machine)
        start = machine.fingerprint
    }

    /// A process that has recovered all vnodes.
    func process() throws -> PrivcmdMover {
        machine.restart()
        let backend = try PrivcmdMover(
            vnodes: machine.layout.vnodes, hypervisor: SimulatedXen(machine),
            reserves: [0: SimulatedReserve(machine, vnode: 0)], intents: intents)
        _ = try backend.recover(vnode: 0)
        return backend
    }

    /// The frames that come back: a part in the middle of an extent, a whole extent, and extents
    /// that are moving just then.
    static let returns = [
        Returned(vnode: 0, slot: 0, from: 100, count: 50), Returned(vnode: 0, slot: 1, from: 0, count: 512),
        Returned(vnode: 0, slot: 2, from: 0, count: 511), Returned(vnode: 0, slot: 3, from: 511, count: 1),
    ]

    /// A step as the daemon does it: after an error, or a jump of the clocks, it recovers the vnode.
    func step(_ backend: PrivcmdMover, _ move: (PrivcmdMover) throws -> Void) throws {
        let before = machine.suspended
        do { try move(backend) } catch { _ = try backend.recover(vnode: 0) }
        if machine.suspended != before { _ = try backend.recover(vnode: 0) }
        #expect(backend.balloonFrames(vnode: 0) == Frames(machine.holes(vnode: 0)))
    }

    /// Frames that are populated while the domain is log-dirty are missing in the new domain, so none of them may be
    /// freed. In the end all memory is back, whether the migration completes or is aborted.
    @Test(arguments: moves.indices, [true, false])
    func `a move frees nothing once log-dirty has begun`(_ move: Int, _ arrives: Bool) throws {
        let (name, body) = Self.moves[move]
        for step in shareOf(0..<40) {
            for later in 1..<20 {
                let backend = try process()
                _ = try backend.inflate(vnode: 0, extents: 3)
                machine.plan = [machine.steps + step: .sending]
                if arrives { machine.plan[machine.steps + step + later] = .migration(Self.returns[0]) }
                try self.step(backend, body)
                machine.plan = [:]
                machine.isLogDirty = false
                try tidy(backend)
                try end(backend, "\(name), sent after step \(step), migrated \(later) steps later")
                if !arrives { break }
            }
        }
    }

    /// Goes on until nothing waits any more, as the daemon does.
    func tidy(_ backend: PrivcmdMover) throws {
        while try backend.tidy(vnode: 0) == .more {}
        #expect(try backend.tidy(vnode: 0) == .done)
    }

    @Test func `nothing moves while the domain is log-dirty`() throws {
        let backend = try process()
        _ = try backend.inflate(vnode: 0, extents: 2)
        machine.isLogDirty = true
        #expect(try backend.inflate(vnode: 0, extents: 1) == Outcome(balloonFrames: 1024, obstacle: .migrating))
        #expect(try backend.deflate(vnode: 0, extents: 1) == Outcome(balloonFrames: 1024, obstacle: .migrating))
        #expect(try backend.tidy(vnode: 0) == .done, "nothing waits")
    }

    /// Deflates two slots. A migration begins just before they are populated.
    func deflateWhileSendingBegins(_ backend: PrivcmdMover, thenKill: Bool) throws {
        _ = try backend.inflate(vnode: 0, extents: 2)
        let before = machine.trace.count
        machine.isTracing = true
        _ = try backend.deflate(vnode: 0, extents: 2)
        machine.isTracing = false
        let populate = try #require(machine.trace.dropFirst(before).firstIndex { $0.contains("populate") }) - before
        _ = try backend.inflate(vnode: 0, extents: 2)
        machine.plan = [machine.steps + populate - 1: .sending]
        if thenKill { machine.plan[machine.steps + populate + 1] = .crashBefore }
        _ = try? backend.deflate(vnode: 0, extents: 2)
        machine.plan = [:]
        #expect(machine.isLogDirty && machine.isKilled == thenKill)
    }

    /// The new process must not free what the old one populated.
    @Test func `a new process frees nothing that was populated while the domain is log-dirty`() throws {
        try deflateWhileSendingBegins(process(), thenKill: true)
        machine.killNow()
        let next = try process()
        #expect(machine.slotCount(vnode: 0) == 2 && next.balloonFrames(vnode: 0) == 0)
        #expect(try next.tidy(vnode: 0) == .waiting)
        machine.isLogDirty = false
        try tidy(next)
        try end(next, "given up")
    }

    /// The mover asks Xen again even if no clock shows that the domain was migrated.
    @Test func `what waited for log-dirty to end is asked about anew before it is freed`() throws {
        let backend = try process()
        try deflateWhileSendingBegins(backend, thenKill: false)
        #expect(try backend.tidy(vnode: 0) == .waiting)
        let before = machine.suspended
        machine.migrate(Returned(vnode: 0, slot: 0, from: 0, count: 0))
        machine.suspended = before
        try tidy(backend)
        #expect(machine.slotCount(vnode: 0) == 2)
        try end(backend, "holes again")
    }

    /// Checks that all memory comes back, that none was lost, and that the pools are as before.
    func end(_ backend: PrivcmdMover, _ comment: Comment) throws {
        #expect(backend.balloonFrames(vnode: 0) == Frames(machine.holes(vnode: 0)), comment)
        #expect(try backend.audit(vnode: 0, slots: 0..<9, everyFrame: true) == [], comment)
        for _ in 0..<4 { _ = try backend.deflate(vnode: 0, extents: 64) }
        #expect(machine.fingerprint == start && machine.violations.isEmpty, comment)
    }

    typealias Move = @Sendable (PrivcmdMover) throws -> Void
    static let moves: [(String, Move)] = [
        ("inflate", { _ = try $0.inflate(vnode: 0, extents: 2) }),
        ("deflate", { _ = try $0.deflate(vnode: 0, extents: 2) }),
        ("a look", { _ = try $0.recover(vnode: 0) }),
    ]

    @Test(arguments: returns.indices, moves.indices)
    func `a migration at any step of a move or a recovery loses no memory`(_ index: Int, _ move: Int) throws {
        let (name, body) = Self.moves[move]
        for step in 0..<100 {
            let backend = try process()
            _ = try backend.inflate(vnode: 0, extents: 3)
            machine.plan = [machine.steps + step: .migration(Self.returns[index])]
            let last = machine.steps + step
            try self.step(backend, body)
            let isOver = machine.steps < last
            machine.plan = [:]
            try end(backend, "\(name), migrated after step \(step)")
            if isOver { return }
        }
        Issue.record("it has more than 100 steps")
    }

    /// A kill after the migration: the next process must find the frames that came back.
    @Test(arguments: returns.indices, moves.indices)
    func `a kill after a migration hides nothing from the next process`(_ index: Int, _ move: Int) throws {
        let (name, body) = Self.moves[move]
        for step in shareOf(0..<40) {
            for kill in 1..<40 {
                let backend = try process()
                _ = try backend.inflate(vnode: 0, extents: 3)
                machine.plan = [
                    machine.steps + step: .migration(Self.returns[index]), machine.steps + step + kill: .crashBefore,
                ]
                try? self.step(backend, body)
                let wasKilled = machine.isKilled
                machine.plan = [:]
                machine.killNow()
                machine.migrateUnpinned()
                try end(try process(), "\(name), migrated after step \(step), killed \(kill) steps later")
                if !wasKilled { break }
            }
        }
    }

    /// The host has no contiguous 2 MiB.
    @Test(arguments: returns.indices)
    func `a migration while frames are taken back one by one loses no memory`(_ index: Int) throws {
        for step in shareOf(0..<60) {
            let backend = try process()
            _ = try backend.inflate(vnode: 0, extents: 4)
            machine.isFragmented[0] = true
            machine.plan = [machine.steps + step: .migration(Self.returns[index])]
            try self.step(backend) { _ = try $0.deflate(vnode: 0, extents: 2) }
            machine.plan = [:]
            machine.isFragmented[0] = false
            try end(backend, "migrated after step \(step)")
        }
    }

    /// The migration happens between two probes of one extent.
    @Test func `a migration while Xen is asked frame by frame loses no memory`() throws {
        for probe in stride(from: 1, through: 2200, by: 37) {
            let backend = try process()
            _ = try backend.inflate(vnode: 0, extents: 2)
            machine.isFragmented[0] = true
            machine.migrationAtProbe = (machine.probes + probe, Returned(vnode: 0, slot: 1, from: 100, count: 300))
            try self.step(backend) { _ = try $0.deflate(vnode: 0, extents: 2) }
            machine.migrationAtProbe = nil
            machine.isFragmented[0] = false
            try end(backend, "migrated at probe \(probe)")
        }
    }

    /// Frames that other domains have mapped are charged to the old domain, but not to the new one. That can offset
    /// the frames that came back.
    @Test func `frames that other domains had mapped do not hide what came back with a migration`() throws {
        let backend = try process()
        _ = try backend.inflate(vnode: 0, extents: 2)
        machine.reference(vnode: 0, every: 512)
        #expect(try backend.inflate(vnode: 0, extents: 2).obstacle == .hypervisorRefused)
        let before = machine.currentReservation
        machine.migrate(Returned(vnode: 0, slot: 1, from: 100, count: 2))
        #expect(machine.currentReservation == before)
        #expect(try backend.recover(vnode: 0) == 1022)
        try end(backend, "after it")
    }

    /// No clock shows the migration, and the first and the last frame of each extent are still holes. `distrust` makes
    /// the next recovery ask about all frames.
    @Test func `after distrust a recovery asks Xen about every frame`() throws {
        let backend = try process()
        _ = try backend.inflate(vnode: 0, extents: 2)
        machine.bringBack(vnode: 0, slot: 0, from: 100, count: 50)
        machine.bringBack(vnode: 0, slot: 1, from: 100, count: 50)
        // The noted total matches, as if a move had offset the frames that came back.
        try intents.note(total: machine.currentReservation + 1024)
        let next = try process()
        #expect(next.balloonFrames(vnode: 0) == 1024)
        try next.distrust()
        #expect(try next.recover(vnode: 0) == 924)
        try end(next, "after it")
    }
}
