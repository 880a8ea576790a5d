import Simulation
import Testing

@testable import VNodeBalloon

/// A broken page without a pin must not offset a page that left the file when the two are counted.
@Suite struct BarePageTests {
    let machine = Machine(Layout(pnodes: [0], blocksPerVNode: 16, hostFreeFrames: 600))

    /// How much memory Linux has free before anything is given.
    let free: KiB

    init() { free = machine.free(vnode: 0) }

    func deflateAll(_ backend: PrivcmdMover) throws {
        for _ in 0..<12 {
            _ = try backend.deflate(vnode: 0, extents: 64)
            while try backend.tidy(vnode: 0) == .more {}
        }
    }

    func process() throws -> PrivcmdMover {
        machine.restart()
        let keeper = HolderClient(SimulatedHolderAccess(machine))
        var reserves: [Int: any PageReserve] = [:]
        for vnode in machine.layout.vnodes {
            reserves[vnode.number] = PinnedPages(
                vnode: vnode.number, node: vnode.linuxNode, SimulatedPages(machine, vnode: vnode.number), keeper: keeper
            )
        }
        let backend = try PrivcmdMover(
            vnodes: machine.layout.vnodes, hypervisor: SimulatedXen(machine), reserves: reserves,
            intents: SimulatedIntents(machine))
        try backend.recover(vnodes: [0])
        return backend
    }

    /// A balloon of two chunks. Its pins are gone, and the second page of the first chunk is broken.
    func withBrokenPage() throws -> PrivcmdMover {
        _ = try process().inflate(vnode: 0, extents: 8)
        machine.holder.kill()
        machine.killNow()
        machine.poison(vnode: 0, slot: 1)
        return try process()
    }

    /// All violations except that of the page whose pin is gone with the holder.
    var violations: [String] { machine.violations.filter { !$0.hasSuffix("is a hole without a pin") } }

    @Test func `two pages are lost where the pin has as many pages as the file, but not the same`() throws {
        var backend = try withBrokenPage()
        #expect(backend.lostExtents(vnode: 0) == 1)
        machine.killNow()
        machine.punch(vnode: 0, slot: 2)
        backend = try process()
        // The pin and the file now have three pages each.
        #expect(backend.lostExtents(vnode: 0) == 2)
        try deflateAll(backend)
        #expect(backend.isEmpty(vnode: 0) == false)
        #expect(violations == [])
    }

    /// The process that found the broken page still knows the frame of the punched one.
    @Test func `a process that met a broken page takes back a punched one, and loses only the broken one`() throws {
        let backend = try withBrokenPage()
        machine.punch(vnode: 0, slot: 2)
        _ = try backend.recover(vnode: 0)
        try deflateAll(backend)
        #expect(backend.lostExtents(vnode: 0) == 1)
        #expect(violations == [] && machine.lostBlocks == 0)
    }

    /// For one lost page the whole pin is put aside. The next process must not take the pin's
    /// other pages for lost, too.
    @Test func `the next process counts only the page that left the file as lost`() throws {
        var backend = try process()
        _ = try backend.inflate(vnode: 0, extents: 8)
        machine.hostTakes(.max, pnode: 0)
        machine.cut(vnode: 0, to: 7)
        _ = try backend.recover(vnode: 0)
        #expect(backend.lostExtents(vnode: 0) == 1 && backend.balloonFrames(vnode: 0) == Frames(7 * 512))
        machine.killNow()
        backend = try process()
        #expect(backend.lostExtents(vnode: 0) == 1 && backend.balloonFrames(vnode: 0) == Frames(7 * 512))
        // No other page stays pinned.
        machine.hostGivesBack(pnode: 0)
        try deflateAll(backend)
        #expect(backend.balloonFrames(vnode: 0) == 0 && backend.lostExtents(vnode: 0) == 1)
        #expect(machine.free(vnode: 0) == free - 2048)
        #expect(violations == [])
    }

    /// The kernel never maps a broken page again, so a process that starts later cannot read its frame number.
    @Test func `a broken page of an unknown frame that leaves the file stays counted as lost`() throws {
        _ = try process().inflate(vnode: 0, extents: 8)
        machine.killNow()
        machine.poison(vnode: 0, slot: 1)
        let backend = try process()
        #expect(backend.lostExtents(vnode: 0) == 1)
        machine.punch(vnode: 0, slot: 1)
        _ = try backend.recover(vnode: 0)
        #expect(backend.lostExtents(vnode: 0) == 1)
        try deflateAll(backend)
        #expect(backend.balloonFrames(vnode: 0) == 0 && backend.isEmpty(vnode: 0) == false)
        #expect(machine.free(vnode: 0) == free - 2048)
        #expect(violations == [])
    }

    @Test func `a broken page is counted as lost once, however often the process restarts`() throws {
        _ = try withBrokenPage()
        for _ in 0..<2 {
            machine.killNow()
            #expect(try process().lostExtents(vnode: 0) == 1)
        }
    }
}
