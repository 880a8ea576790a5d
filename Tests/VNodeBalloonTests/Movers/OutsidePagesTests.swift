import Simulation
import Testing
import VNodeBalloon

/// Memory that Linux hot-added to a vnode's node. The kernel hands it out first, and it belongs to no vnode.
@Suite struct OutsidePagesTests {
    static let blocks = 16
    static let hotAdded = 4
    let machine: Machine
    let intents: SimulatedIntents
    let start: Machine.Fingerprint

    init() {
        var layout = Layout(pnodes: [0, 1], blocksPerVNode: Self.blocks, hostFreeFrames: 100, foreignPages: 1)
        layout.hotAddedBlocks = Self.hotAdded
        machine = Machine(layout)
        intents = SimulatedIntents(machine)
        start = machine.fingerprint
    }

    /// A process that has recovered all vnodes.
    func process() throws -> PrivcmdMover {
        machine.restart()
        let vnodes = machine.layout.vnodes
        var reserves: [Int: any PageReserve] = [:]
        for vnode in vnodes { reserves[vnode.number] = SimulatedReserve(machine, vnode: vnode.number) }
        let mover = try PrivcmdMover(
            vnodes: vnodes, hypervisor: SimulatedXen(machine), reserves: reserves, intents: intents)
        try mover.recover(vnodes: vnodes.map(\.number))
        return mover
    }

    /// Checks that vnode 0's node has no hole in memory that belongs to no vnode.
    func expectOutsideIsMemory() throws {
        let xen = SimulatedXen(machine)
        for block in Self.blocks - Self.hotAdded..<Self.blocks {
            #expect(try xen.memoryType(of: UInt64(block) * 512).isRAM, "block \(block)")
        }
    }

    @Test func `pages outside the vnode are put back, and others are given`() throws {
        let mover = try process()
        let given = try mover.inflate(vnode: 0, extents: 3)
        #expect(given.balloonFrames == Frames(3 * 512) && given.obstacle == nil)
        try expectOutsideIsMemory()
        #expect(machine.fingerprint != start)
        for _ in 0..<3 { _ = try mover.deflate(vnode: 0, extents: 64) }
        #expect(machine.fingerprint == start && machine.violations.isEmpty)
    }

    @Test func `where only pages outside the vnode are left there is no memory`() throws {
        let mover = try process()
        var last = try mover.inflate(vnode: 0, extents: 3)
        for _ in 0..<20 where last.obstacle == nil { last = try mover.inflate(vnode: 0, extents: 3) }
        #expect(last.obstacle == .noMemory)
        try expectOutsideIsMemory()
        for _ in 0..<10 { _ = try mover.deflate(vnode: 0, extents: 64) }
        #expect(machine.fingerprint == start && machine.violations.isEmpty)
    }

    /// The next process recovers the same vnode, puts back what it finds, and takes all memory back.
    @Test func `a kill at every step leaves nothing outside the vnode behind`() throws {
        for step in 0..<400 {
            let mover = try process()
            machine.plan = [machine.steps + step / 2: step % 2 == 0 ? .crashBefore : .crashAfter]
            _ = try? mover.inflate(vnode: 0, extents: 3)
            let wasKilled = machine.isKilled
            machine.plan = [:]
            machine.killNow()
            machine.migrateUnpinned()
            let next = try process()
            for _ in 0..<2 { #expect(try next.inflate(vnode: 0, extents: 1).obstacle == nil, "step \(step)") }
            try expectOutsideIsMemory()
            #expect(next.balloonFrames(vnode: 0) == Frames(machine.holes(vnode: 0)), "step \(step)")
            for _ in 0..<4 { _ = try next.deflate(vnode: 0, extents: 64) }
            #expect(machine.fingerprint == start && machine.violations.isEmpty, "step \(step)")
            if !wasKilled { return }
        }
        Issue.record("it has more than 200 steps")
    }
}
