import Simulation
import Testing
import VNodeBalloon

/// The double of the huge pages keeps the kernel's rules, and its pages outlive a kill as the kernel's do.
@Suite struct SimulatedReserveTests {
    let machine: Machine
    let reserve: SimulatedReserve
    let start: Machine.Fingerprint

    init() {
        machine = Machine(Layout(pnodes: [0, 0], blocksPerVNode: 8, foreignPages: 2))
        reserve = SimulatedReserve(machine, vnode: 0)
        start = machine.fingerprint
    }

    @Test func `the simulated reserve acquires the pages that there are, and releases them`() throws {
        #expect(try reserve.foreignPoolPages() == 2)
        let frames = try reserve.acquire(3)
        #expect(frames.count == 3 && Set(frames).count == 3 && frames.allSatisfy { $0 % 512 == 0 })
        #expect(try reserve.frames(of: 0..<3) == frames)
        #expect(try reserve.foreignPoolPages() == 2)
        #expect(try reserve.acquire(9).count == 2, "eight blocks: one is the kernel's, two are others'")
        #expect(try reserve.acquire(1).isEmpty)
        try reserve.release(keeping: 1)
        #expect(reserve.slotCount == 1)
        #expect(try reserve.frames(of: 0..<1) == [frames[0]])
        try reserve.release(keeping: 0)
        #expect(machine.fingerprint == start && machine.violations.isEmpty)
    }

    @Test func `an error in the simulated reserve takes back what was added`() throws {
        for step in 0..<6 {
            machine.plan[machine.steps + step] = .error
            #expect(throws: BalloonError.self, "step \(step)") { try reserve.acquire(2) }
            #expect(machine.fingerprint == start && reserve.slotCount == 0, "step \(step)")
        }
        machine.plan[machine.steps + 3] = .fewer(pages: 0)
        #expect(try reserve.acquire(2).count == 1)
    }

    /// After a kill at any step the pages are found and pinned and can be freed, and the pool is as before.
    @Test func `what a kill anywhere in the simulated reserve left is found and can be freed`() throws {
        let move = InterruptedMove(slots: 0..<2, foreignPoolPages: 2)
        for step in 0..<16 {
            machine.plan[machine.steps + step] = step % 2 == 0 ? .crashBefore : .crashAfter
            do {
                _ = try reserve.acquire(2)
                try reserve.release(keeping: 0)
            } catch {}
            machine.plan = [:]
            machine.killNow()
            machine.migrateUnpinned()
            machine.restart()
            let next = SimulatedReserve(machine, vnode: 0)
            let frames = try next.recover(interrupted: move).map(\.gfn)
            #expect(frames.count == next.slotCount)
            try next.release(keeping: 0)
            #expect(machine.fingerprint == start && machine.violations.isEmpty, "step \(step)")
        }
    }

    @Test func `simulated pages may move until their pin is kept`() throws {
        machine.plan[machine.steps + 4] = .crashBefore
        #expect(throws: BalloonError.self) { try reserve.acquire(1) }
        machine.restart()
        let before = try SimulatedReserve(machine, vnode: 0).frames(of: 0..<1)
        machine.migrateUnpinned()
        let next = SimulatedReserve(machine, vnode: 0)
        #expect(try next.frames(of: 0..<1) != before)
        let after = try next.recover(interrupted: nil).map(\.gfn)
        machine.killNow()
        machine.migrateUnpinned()
        machine.restart()
        #expect(try SimulatedReserve(machine, vnode: 0).frames(of: 0..<1) == after)
    }
}
