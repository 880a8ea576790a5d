import CBalloonShim
import Logging
import Simulation
import Testing

@testable import VNodeBalloon

/// The engine checks the nodes' pools by itself, and the next process continues from what this one noted.
@Suite struct EnginePoolsTests {
    let machine = Machine(Layout(pnodes: [0], blocksPerVNode: 16, hostFreeFrames: 600))
    let work: TemporaryDirectory
    let source = FakePools([(20, 8)])

    init() throws { work = try TemporaryDirectory() }

    private func makeEngine(room: KiB = .gib(1)) throws -> BalloonEngine {
        let (machine, xen) = (machine, SimulatedXen(machine))
        let keeper = HolderClient(SimulatedHolderAccess(machine))
        let reserve = PinnedPages(vnode: 0, node: 0, SimulatedPages(machine, vnode: 0), keeper: keeper)
        let backend = try PrivcmdMover(
            vnodes: machine.layout.vnodes, hypervisor: xen, reserves: [0: reserve], intents: SimulatedIntents(machine))
        let node = NodeMemory(managed: .gib(1), free: room, available: room)
        let guest = Guest(
            kind: .pvh, figures: xen, mover: backend, firmware: machine.layout.firmwareMap,
            pools: NodePools(source, ledger: source.ledger),
            memory: { () throws(BalloonError) in [0: node] }, rest: { machine.clock += $0 })
        let engine = BalloonEngine(
            guest: guest, state: try StateDirectory(path: work.path), options: .init(),
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, clock: { machine.clock })
        try engine.recover()
        return engine
    }

    /// Runs the loop for this many milliseconds. Returns how many turns it took.
    @discardableResult
    private func run(_ engine: BalloonEngine, milliseconds: UInt64) -> Int {
        let end = machine.clock + .milliseconds(milliseconds)
        var turns = 0
        while machine.clock < end {
            let due = engine.step() ?? end
            turns += 1
            machine.clock = max(min(due, end), machine.clock + 1000)
        }
        return turns
    }

    @Test func `a number written to a pool counts without the balloon's pages within a second`() throws {
        let engine = try makeEngine()
        _ = try engine.guest.mover.inflate(vnode: 0, extents: 8)
        run(engine, milliseconds: 5)
        source.write(4, node: 0)
        #expect(source.nodes[0].surplus == 4)
        run(engine, milliseconds: 1000)
        #expect(source.nodes[0].surplus == 0)
        #expect(source.nodes[0].free == 4 && source.nodes[0].total == 12)
    }

    /// Without a balloon a number that an administrator writes cannot take pages of ours, so the loop sleeps.
    @Test func `the loop looks at the pools only while there is a balloon`() throws {
        let engine = try makeEngine()
        #expect(run(engine, milliseconds: 10_000) < 4)
        _ = try engine.guest.mover.inflate(vnode: 0, extents: 8)
        let turns = run(engine, milliseconds: 10_000)
        #expect(turns > 8 && turns < 40)
    }

    /// If the kernel reports writes, the loop needs no other wake-up.
    @Test func `a watched pool is looked at only after a write`() throws {
        let engine = try makeEngine()
        engine.poolLook.isWatched = true
        _ = try engine.guest.mover.inflate(vnode: 0, extents: 8)
        run(engine, milliseconds: 5)
        #expect(run(engine, milliseconds: 10_000) < 4)
        source.write(4, node: 0)
        engine.noticePoolWrite()
        run(engine, milliseconds: 300)
        #expect(source.nodes[0].free == 4 && source.nodes[0].total == 12)
        // The kernel reports our own writes, too.
        for _ in 0..<1000 { engine.noticePoolWrite() }
        #expect((engine.poolLook.wake ?? 0) >= (engine.poolLook.last ?? 0) + BalloonEngine.PoolLook.settling)
    }

    /// Nothing reports the write here. The engine checks the pools when another event wakes the loop.
    @Test func `a write that no watch reported is found when the loop wakes for another reason`() throws {
        let engine = try makeEngine()
        engine.poolLook.isWatched = true
        _ = try engine.guest.mover.inflate(vnode: 0, extents: 8)
        run(engine, milliseconds: 21_000)
        source.write(4, node: 0)
        run(engine, milliseconds: 300)
        #expect(source.nodes[0].free == 4 && source.nodes[0].total == 12)
    }

    @Test func `a write watch reports a write to a file, once`() throws {
        let path = work.path + "/nr_hugepages"
        defer { work.remove("nr_hugepages") }
        let file = try FileDescriptor.open(path, .create, code: .system, "opens")
        let watch = try WriteWatch(paths: [work.path + "/none", path])
        #expect(try Poll.wait([watch.descriptor.rawValue], timeoutMilliseconds: 0) == [])
        // Unsafe: one byte for C to read.
        #expect(unsafe cb_file_write(file.rawValue, 0, [UInt8(ascii: "4")], 1) == 1)
        #expect(try Poll.wait([watch.descriptor.rawValue], timeoutMilliseconds: 0) == [0])
        watch.clear()
        #expect(try Poll.wait([watch.descriptor.rawValue], timeoutMilliseconds: 0) == [])
    }

    @Test func `a number written while no daemon ran is found by the next process`() throws {
        run(try makeEngine(), milliseconds: 5)
        source.write(40, node: 0)
        let engine = try makeEngine()
        run(engine, milliseconds: 5)
        #expect(engine.guest.pools?.shares.administrators(of: 0) == 40)
        #expect(source.nodes[0].free == 40 && source.nodes[0].total == 48)
        run(try makeEngine(), milliseconds: 5)
        #expect(source.nodes[0].free == 40 && source.nodes[0].total == 48)
    }

    /// The guard also holds back an administrator's pages.
    @Test func `pages that the guard keeps from a pool come when the node has memory to spare`() throws {
        let engine = try makeEngine(room: .mib(40))
        _ = try engine.guest.mover.inflate(vnode: 0, extents: 8)
        run(engine, milliseconds: 5)
        source.write(4, node: 0)
        run(engine, milliseconds: 3000)
        #expect(source.nodes[0].surplus == 0)
        #expect(source.nodes[0].free == 0 && source.nodes[0].total == 8)
        #expect(engine.poolLook.toldMissing == 4)
        let next = try makeEngine()
        run(next, milliseconds: 100)
        #expect(source.nodes[0].free == 4 && source.nodes[0].total == 12)
    }
}
