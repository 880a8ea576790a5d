import Logging
import Simulation
import Testing

@testable import VNodeBalloon

/// Another program cuts pages off the file while the daemon runs. Only this daemon knows their frames. It tries
/// until they are RAM again.
@Suite struct LostMemoryTests {
    let machine = Machine(Layout(pnodes: [0], blocksPerVNode: 16, hostFreeFrames: 600))
    let work: TemporaryDirectory
    let backend: PrivcmdMover
    let engine: BalloonEngine

    init() throws {
        work = try TemporaryDirectory()
        let (machine, xen) = (machine, SimulatedXen(machine))
        let keeper = HolderClient(SimulatedHolderAccess(machine))
        let reserve = PinnedPages(vnode: 0, node: 0, SimulatedPages(machine, vnode: 0), keeper: keeper)
        backend = try PrivcmdMover(
            vnodes: machine.layout.vnodes, hypervisor: xen, reserves: [0: reserve], intents: SimulatedIntents(machine))
        let guest = Guest(
            kind: .pvh, figures: xen, mover: backend, firmware: machine.layout.firmwareMap,
            memory: { () throws(BalloonError) in [:] }, rest: { machine.clock += $0 })
        engine = BalloonEngine(
            guest: guest, state: try StateDirectory(path: work.path), options: .init(),
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, clock: { machine.clock })
        try engine.recover()
        _ = try backend.inflate(vnode: 0, extents: 8)
    }

    /// Runs the loop for this many seconds.
    private func run(seconds: UInt64) {
        let end = machine.clock + .seconds(seconds)
        while machine.clock < end {
            let due = engine.step() ?? end
            machine.clock = max(due, machine.clock + .milliseconds(1))
        }
    }

    private func cutOneOff() throws {
        machine.cut(vnode: 0, to: 7)
        _ = try engine.checkFiles()
        run(seconds: 3)
        #expect(backend.lostExtents(vnode: 0) == 1)
    }

    /// Xen refused a probe of one slot, so the slot is in doubt. The daemon asks again without a request.
    @Test func `a slot in doubt after a refused probe is asked about again by the daemon itself`() throws {
        machine.refusedProbe = machine.probes + 1000
        #expect(throws: BalloonError.self) { try engine.lookAgain(vnode: 0, slots: 0..<8) }
        #expect(backend.balloonFrames(vnode: 0) == nil && engine.controller.states[0].balloonFrames == nil)
        run(seconds: 3)
        #expect(
            backend.balloonFrames(vnode: 0) == Frames(8 * 512)
                && engine.controller.states[0].balloonFrames == Frames(8 * 512))
    }

    @Test func `a try that fails tells when the next one is due`() throws {
        machine.hostTakes(.max, pnode: 0)
        try cutOneOff()
        for _ in 0..<3 {
            let due = try #require(engine.bringBackLost(machine.clock))
            machine.clock = due
            let next = try #require(engine.bringBackLost(machine.clock))
            #expect(next > machine.clock + .seconds(1))
        }
    }

    @Test func `pages cut off while the host is full come back when it has memory`() throws {
        machine.hostTakes(.max, pnode: 0)
        try cutOneOff()
        machine.hostGivesBack(pnode: 0)
        run(seconds: 70)
        #expect(backend.lostExtents(vnode: 0) == 0)
        #expect(machine.violations == [] && machine.lostBlocks == 0)
    }

    @Test func `pages cut off while the domain is log-dirty come back when log-dirty ends`() throws {
        machine.isLogDirty = true
        try cutOneOff()
        machine.isLogDirty = false
        run(seconds: 70)
        #expect(backend.lostExtents(vnode: 0) == 0)
        #expect(machine.violations == [] && machine.lostBlocks == 0)
    }

    /// Migration begins after the last of the pages is populated. In the new domain that page would be a hole,
    /// although Linux has it as free.
    @Test func `pages cut off before log-dirty begins at any step survive the migration`() throws {
        for step in 0..<60 {
            let other = try LostMemoryTests()
            other.machine.cut(vnode: 0, to: 7)
            other.machine.plan = [other.machine.steps + step: .sending]
            _ = try other.engine.checkFiles()
            other.run(seconds: 1)
            other.machine.plan = [:]
            other.machine.migrate(Returned(vnode: 0, slot: 0, from: 0, count: 0))
            other.run(seconds: 70)
            #expect(other.machine.violations == [] && other.machine.lostBlocks == 0, "sent after step \(step)")
        }
    }

    /// The broken page stays where it is.
    @Test func `a page that breaks while it waits to be freed is lost, and the others come back`() throws {
        machine.plan = [:]
        // The pages are populated while the domain is being migrated.
        var isSent = false
        for step in 0..<40 where !isSent {
            let other = try LostMemoryTests()
            other.machine.plan = [other.machine.steps + step: .sending]
            _ = try other.backend.deflate(vnode: 0, extents: 8)
            other.machine.plan = [:]
            guard other.backend.balloonFrames(vnode: 0) == 0, other.machine.slotCount(vnode: 0) == 8 else { continue }
            isSent = true
            other.machine.poison(vnode: 0, slot: 5)
            other.machine.isLogDirty = false
            for _ in 0..<20 { _ = try other.backend.tidy(vnode: 0) }
            #expect(other.backend.lostExtents(vnode: 0) == 1)
            #expect(other.machine.violations == [])
        }
        #expect(isSent)
    }
}
