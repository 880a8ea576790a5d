import Simulation
import Testing
import VNodeBalloon

/// Checks that the double of Xen keeps Xen's rules.
@Suite struct SimulatedXenTests {
    let machine: Machine
    let xen: SimulatedXen
    let reserve: SimulatedReserve

    init() {
        machine = Machine(Layout(pnodes: [0, 1], blocksPerVNode: 8, hostFreeFrames: 100))
        xen = SimulatedXen(machine)
        reserve = SimulatedReserve(machine, vnode: 1)
    }

    func list(_ gfns: [UInt64], order: Int = 9) {
        xen.extents.reset(order: order)
        for gfn in gfns { xen.extents.append(gfn) }
    }

    @Test func `the simulated Xen gives and takes whole extents`() throws {
        let before = machine.fingerprint
        let gfns = try reserve.acquire(3)
        list(gfns)
        #expect(try xen.decreaseReservation() == 3)
        #expect(try xen.currentReservation() == Frames(before.reservation - 3 * 512))
        #expect(machine.fingerprint.mapped[1] == before.mapped[1] - 3 * 512)
        #expect(try xen.memoryType(of: gfns[0]) == .hole && xen.memoryType(of: gfns[2] + 511) == .hole)
        #expect(try xen.populatePhysmap(vnode: 1) == 3)
        #expect(try xen.memoryType(of: gfns[0]) == .ram)
        #expect(machine.fingerprint.mapped == before.mapped && machine.violations.isEmpty)
    }

    @Test func `a hole stops the simulated decrease, which takes the frames before it uncounted`() throws {
        let gfns = try reserve.acquire(2)
        list([gfns[0] + 100], order: 0)
        #expect(try xen.decreaseReservation() == 1)
        #expect(try xen.decreaseReservation() == 0, "already a hole")
        let before = try xen.currentReservation()
        list([gfns[1], gfns[0]])
        #expect(try xen.decreaseReservation() == 1)
        #expect(try xen.currentReservation() == before - 512 - 100)
        #expect(try xen.memoryType(of: gfns[0] + 99) == .hole && xen.memoryType(of: gfns[0] + 101) == .ram)
    }

    @Test func `the simulated populate takes memory of the vnode's physical node only`() throws {
        let gfns = try reserve.acquire(1)
        list(gfns)
        _ = try xen.decreaseReservation()
        machine.hostTakes(212, pnode: 1)
        #expect(try xen.populatePhysmap(vnode: 1) == 0, "node 1 has 400 frames")
        #expect(try xen.populatePhysmap(vnode: 2) == 0, "no such vnode")
        list((0..<512).map { gfns[0] + $0 }, order: 0)
        #expect(try xen.populatePhysmap(vnode: 1) == 400)
        machine.hostGivesBack(pnode: 1)
        list((400..<512).map { gfns[0] + $0 }, order: 0)
        #expect(try xen.populatePhysmap(vnode: 1) == 112 && machine.violations.isEmpty)
    }

    @Test func `a fragmented simulated node populates single frames, but no extent`() throws {
        let gfns = try reserve.acquire(1)
        list(gfns)
        _ = try xen.decreaseReservation()
        machine.isFragmented[1] = true
        #expect(try xen.populatePhysmap(vnode: 1) == 0)
        list((0..<512).map { gfns[0] + $0 }, order: 0)
        #expect(try xen.populatePhysmap(vnode: 1) == 512)
    }

    @Test func `the simulated populate is refused beyond the maximum reservation`() throws {
        let gfns = try reserve.acquire(1)
        list(gfns)
        _ = try xen.decreaseReservation()
        machine.maximumReservation = try xen.currentReservation().count + 511
        #expect(try xen.populatePhysmap(vnode: 1) == 0)
        machine.maximumReservation += 1
        #expect(try xen.populatePhysmap(vnode: 1) == 1)
    }

    @Test func `the simulated Xen refuses orders above the domain's`() throws {
        list([0], order: 10)
        #expect(try xen.decreaseReservation() == 0)
        #expect(try xen.populatePhysmap(vnode: 0) == 0)
    }

    @Test func `frames that another domain has mapped stay charged in the simulated Xen`() throws {
        machine.reference(vnode: 1, every: 100)
        let gfns = try reserve.acquire(1)
        let before = try xen.currentReservation()
        list(gfns)
        #expect(try xen.decreaseReservation() == 1)
        #expect(try xen.currentReservation() == before - 512 + 6)
        #expect(try xen.memoryType(of: gfns[0]) == .hole)
        machine.dropReferences()
        #expect(try xen.currentReservation() == before - 512)
    }

    @Test func `the simulated Xen takes no firmware and no stuck frame, and shows log-dirty RAM`() throws {
        list([Layout.firmware.lowerBound], order: 0)
        #expect(try xen.decreaseReservation() == 0)
        #expect(try !xen.memoryType(of: 0xF0).isRAM && !xen.memoryType(of: 0xF0).isHole)
        machine.stick(vnode: 1, blocks: 1, frame: 7)
        let gfns = try reserve.acquire(1)
        list(gfns)
        #expect(try xen.decreaseReservation() == 0 && machine.holes(vnode: 1) == 7)
        machine.isLogDirty = true
        #expect(try xen.memoryType(of: gfns[0] + 7) == .ramLogDirty && xen.memoryType(of: gfns[0]) == .hole)
    }

    @Test func `a planned fault of the simulated Xen happens at its step`() throws {
        let gfns = try reserve.acquire(3)
        list(gfns)
        machine.plan[machine.steps] = .short(extents: 1, frames: 30)
        #expect(try xen.decreaseReservation() == 1 && machine.holes(vnode: 1) == 512 + 30)
        machine.plan[machine.steps] = .error
        #expect(throws: BalloonError.self) { try xen.decreaseReservation() }
        #expect(machine.holes(vnode: 1) == 512 + 30)
        list([gfns[2]])
        machine.plan[machine.steps] = .lateError
        #expect(throws: BalloonError.self) { try xen.decreaseReservation() }
        #expect(machine.holes(vnode: 1) == 1024 + 30)
    }

    @Test func `a killed simulated process makes no further call`() throws {
        let gfns = try reserve.acquire(2)
        list([gfns[0]])
        machine.plan[machine.steps] = .crashBefore
        #expect(throws: BalloonError.self) { try xen.decreaseReservation() }
        #expect(machine.isKilled && machine.holes(vnode: 1) == 0)
        #expect(throws: BalloonError.self) { try xen.decreaseReservation() }
        #expect(throws: BalloonError.self) { try xen.memoryType(of: 0) }
        #expect(throws: BalloonError.self) { try reserve.release(keeping: 0) }
        machine.restart()
        machine.plan[machine.steps] = .crashAfter
        #expect(throws: BalloonError.self) { try xen.decreaseReservation() }
        #expect(machine.isKilled && machine.holes(vnode: 1) == 512 && machine.violations.isEmpty)
    }
}
