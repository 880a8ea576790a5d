import Simulation
import Testing
import VNodeBalloon

/// A double that never reports a violation proves nothing. Each way to corrupt the guest must be reported.
@Suite struct ViolationTests {
    let machine: Machine
    let xen: SimulatedXen
    let reserve: SimulatedReserve

    init() {
        machine = Machine(Layout(pnodes: [0, 1], blocksPerVNode: 8, foreignPages: 1))
        xen = SimulatedXen(machine)
        reserve = SimulatedReserve(machine, vnode: 1)
    }

    func give(_ gfn: UInt64, order: Int = 9) throws {
        xen.extents.reset(order: order)
        xen.extents.append(gfn)
        _ = try xen.decreaseReservation()
    }

    func populate(_ gfn: UInt64, order: Int = 9) throws {
        xen.extents.reset(order: order)
        xen.extents.append(gfn)
        _ = try xen.populatePhysmap(vnode: 1)
    }

    func complains(_ words: String) -> Bool { machine.violations.contains { $0.contains(words) } }

    @Test func `the simulation sees that memory is given which is not the balloon's`() throws {
        try give(512)
        #expect(complains("is not ours and pinned"))
    }

    @Test func `the simulation sees that a page is given which no pin holds`() throws {
        machine.plan[machine.steps + 4] = .crashBefore
        #expect(throws: BalloonError.self) { try reserve.acquire(1) }
        machine.restart()
        let frames = try SimulatedReserve(machine, vnode: 1).frames(of: 0..<1)
        try give(#require(frames[0]))
        #expect(complains("is not ours and pinned") && complains("is a hole without a pin"))
    }

    @Test func `the simulation sees that RAM is populated, and charges it twice`() throws {
        let gfn = try reserve.acquire(1)[0]
        try give(gfn)
        try populate(gfn + 3, order: 0)
        let before = machine.fingerprint
        try populate(gfn + 3, order: 0)
        #expect(complains("was populated and is ram"))
        // The frame is in the map once, and charged twice.
        #expect(machine.fingerprint.reservation == before.reservation + 1)
        #expect(machine.fingerprint.mapped == before.mapped)
    }

    @Test func `the simulation sees that an extent is populated which has RAM in part`() throws {
        let gfn = try reserve.acquire(1)[0]
        try give(gfn)
        try populate(gfn + 511, order: 0)
        try give(reserve.acquire(1)[0])
        try populate(gfn)
        #expect(complains("was populated and is ram"))
    }

    @Test func `the simulation sees that a firmware frame is populated`() throws {
        try give(reserve.acquire(1)[0])
        try populate(0xF0, order: 0)
        #expect(complains("was populated and is special") && complains("is not ours"))
    }

    @Test func `the simulation sees that a hole is freed`() throws {
        try give(reserve.acquire(2)[1])
        try reserve.release(keeping: 1)
        #expect(complains("was freed and has a hole") && complains("is a hole without a pin"))
    }

    @Test func `the simulation sees that a page is freed in which one frame is a hole`() throws {
        try give(reserve.acquire(1)[0] + 200, order: 0)
        try reserve.release(keeping: 0)
        #expect(complains("was freed and has a hole"))
        machine.audit()
        #expect(complains("audit: block"))
    }

    @Test func `the simulation sees that a freed hole is handed to another program`() throws {
        try give(reserve.acquire(1)[0])
        try reserve.release(keeping: 0)
        let count = machine.violations.count
        machine.changePool(vnode: 1, by: 1)
        machine.usePool(vnode: 1, pages: 2)
        #expect(machine.violations.count > count && complains("was handed to somebody and has a hole"))
    }
}
