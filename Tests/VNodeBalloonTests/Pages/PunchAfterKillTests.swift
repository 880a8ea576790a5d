import Simulation
import Testing

@testable import VNodeBalloon

/// A process is killed in the middle of a move, and another program takes pages out of the balloon's file before the next
/// one starts. A page that left the file is a hole of Xen's: its pin must stay, wherever the kill was.
@Suite struct PunchAfterKillTests {
    static func process(_ machine: Machine, _ intents: SimulatedIntents) throws -> PrivcmdMover {
        machine.restart()
        let keeper = HolderClient(SimulatedHolderAccess(machine))
        let reserves = Dictionary(
            uniqueKeysWithValues: machine.layout.vnodes.map { vnode -> (Int, any PageReserve) in
                let pages = SimulatedPages(machine, vnode: vnode.number)
                return (vnode.number, PinnedPages(vnode: vnode.number, node: vnode.linuxNode, pages, keeper: keeper))
            })
        let mover = try PrivcmdMover(
            vnodes: machine.layout.vnodes, hypervisor: SimulatedXen(machine), reserves: reserves,
            intents: intents)
        try mover.recover(vnodes: [0])
        return mover
    }

    /// Each step of a move from `before` to `after` extents is the last one of a process once.
    /// - Parameters:
    ///   - slots: what another program punches out then.
    ///   - count: how many slots at the end of the file another program cuts off.
    ///   - extents: what the physical node has for a deflate.
    ///   - isNoted: false: the intent record cannot be written.
    static func killEverywhere(
        from before: Int, to after: Int, punching slots: [Int] = [], cuttingOff count: Int = 0,
        hostHas extents: UInt64? = nil, isNoted: Bool = true
    ) throws -> (kills: Int, found: [String]) {
        var found: [String] = []
        for kill in shareOf(0..<10_000) {
            let machine = Machine(Layout(pnodes: [0], blocksPerVNode: 24, hostFreeFrames: 600))
            let free = machine.free(vnode: 0)
            let intents = SimulatedIntents(machine)
            let mover = try process(machine, intents)
            _ = try mover.inflate(vnode: 0, extents: before)
            if let extents { machine.hostTakes(machine.hostFree[0] - extents * 512, pnode: 0) }
            machine.plan[machine.steps + kill] = .crashBefore
            intents.isFull = !isNoted
            _ =
                after > before
                ? try? mover.inflate(vnode: 0, extents: after - before)
                : try? mover.deflate(vnode: 0, extents: before - after)
            if !machine.isKilled { return (kill, found) }
            for slot in slots { machine.punch(vnode: 0, slot: slot) }
            if count > 0 { machine.cut(vnode: 0, to: max(0, machine.slotCount(vnode: 0) - count)) }
            intents.isFull = false
            let next = try process(machine, intents)
            machine.hostGivesBack(pnode: 0)
            for _ in 0..<12 {
                _ = try? next.deflate(vnode: 0, extents: 64)
                while (try? next.tidy(vnode: 0)) == .more {}
            }
            found += machine.violations.map { "killed before step \(kill): \($0)" }
            let missing = free - machine.free(vnode: 0)
            if slots.isEmpty, count == 0, missing > .zero {
                found.append("killed before step \(kill): \(missing) did not come back")
            }
        }
        return (0, found)
    }

    @Test(arguments: [[], [4], [5], [4, 5], [0, 4]])
    func `a page punched out after a kill in a deflate is not freed`(_ slots: [Int]) throws {
        let result = try Self.killEverywhere(from: 8, to: 6, punching: slots)
        #expect(result.kills > 5)
        #expect(result.found == [])
    }

    @Test(arguments: [[], [0], [4], [5], [0, 4]])
    func `a page punched out after a kill in an inflate is not freed`(_ slots: [Int]) throws {
        let result = try Self.killEverywhere(from: 6, to: 10, punching: slots)
        #expect(result.kills > 10)
        #expect(result.found == [])
    }

    /// What the note names is then not all RAM: the slots that Xen did not fill are holes.
    @Test(arguments: [[], [3], [4], [5], [3, 4], [4, 5]])
    func `a page punched out inside the noted slots after a short deflate is not freed`(_ slots: [Int]) throws {
        let result = try Self.killEverywhere(from: 8, to: 2, punching: slots, hostHas: 2)
        #expect(result.kills > 10)
        #expect(result.found == [])
    }

    @Test(arguments: 1...7)
    func `pages cut off after a kill in a deflate are not freed`(_ count: Int) throws {
        for extents in [nil, 2 as UInt64] {
            let result = try Self.killEverywhere(from: 8, to: 2, cuttingOff: count, hostHas: extents)
            #expect(result.kills > 10)
            #expect(result.found == [])
        }
    }

    /// To take memory back must need no byte on a disk.
    @Test(arguments: [[4], [5], [3, 4], [4, 5]])
    func `a page punched out after a kill in a deflate that could not be noted is not freed`(_ slots: [Int]) throws {
        for extents in [nil, 2 as UInt64] {
            let result = try Self.killEverywhere(from: 8, to: 2, punching: slots, hostHas: extents, isNoted: false)
            #expect(result.kills > 10)
            #expect(result.found == [])
        }
    }

    /// RAM below a lost slot is punched out slot by slot, and none of them leaves the pool with the end of the file.
    @Test(arguments: [[], [4], [5]])
    func `a page punched out after a kill below a lost slot is not freed`(_ slots: [Int]) throws {
        try killBelowLostSlot { machine in for slot in slots { machine.punch(vnode: 0, slot: slot) } }
    }

    /// The pin of the punched slot must not have a page less than the file, which would make up for one that was cut off.
    @Test(arguments: 1...7)
    func `a page cut off after a kill below a lost slot that could not be noted is not freed`(_ count: Int) throws {
        try killBelowLostSlot(isNoted: false) { machine in
            machine.cut(vnode: 0, to: machine.slotCount(vnode: 0) - count)
        }
    }

    /// The page is gone, and its pin could not be rewritten. The next audit finds out, and nothing is counted twice.
    @Test func `a slot whose pin cannot be rewritten after its page left is audited, and nothing is lost`() throws {
        for step in 0..<12 {
            let machine = Machine(Layout(pnodes: [0], blocksPerVNode: 24, hostFreeFrames: 4096))
            let intents = SimulatedIntents(machine)
            let mover = try Self.process(machine, intents)
            _ = try mover.inflate(vnode: 0, extents: 8)
            machine.isLogDirty = true
            machine.bringBack(vnode: 0, slot: 5, from: 0, count: 512)
            try mover.lookAgain(vnode: 0, slots: 5..<6)
            machine.isLogDirty = false
            let slots = mover.balloons[0]?.slots
            try #require(slots?[5].isRAM == true)
            machine.plan[machine.steps + step] = .error
            do { try mover.punch(try #require(mover.balloons[0]), [5]) } catch {
                #expect(mover.balloonFrames(vnode: 0) == nil, "step \(step): what is not known is not told")
            }
            machine.plan = [:]
            try mover.recover(vnodes: [0])
            while try mover.tidy(vnode: 0) == .more {}
            let reserve = try #require(mover.balloons[0]?.reserve as? PinnedPages)
            #expect(try reserve.poolPages() == reserve.lookAtFile().pages, "step \(step)")
            #expect(try reserve.foreignPoolPages() == 0, "step \(step)")
            for _ in 0..<6 { _ = try mover.deflate(vnode: 0, extents: 64) }
            #expect(machine.violations == [] && mover.lostExtents(vnode: 0) == 0, "step \(step)")
        }
    }

    private func killBelowLostSlot(isNoted: Bool = true, _ meddle: (Machine) -> Void) throws {
        for kill in shareOf(0..<10_000) {
            let machine = Machine(Layout(pnodes: [0], blocksPerVNode: 24, hostFreeFrames: 4096))
            let free = machine.free(vnode: 0)
            let intents = SimulatedIntents(machine)
            let mover = try Self.process(machine, intents)
            _ = try mover.inflate(vnode: 0, extents: 8)
            machine.poison(vnode: 0, slot: 7)
            try mover.recover(vnodes: [0])
            // A migration began: what was taken back stays in the file until it is over.
            machine.isLogDirty = true
            machine.bringBack(vnode: 0, slot: 5, from: 0, count: 512)
            machine.bringBack(vnode: 0, slot: 6, from: 0, count: 512)
            try mover.lookAgain(vnode: 0, slots: 5..<7)
            machine.isLogDirty = false
            machine.plan[machine.steps + kill] = .crashBefore
            intents.isFull = !isNoted
            while (try? mover.tidy(vnode: 0)) == .more {}
            if !machine.isKilled { return #expect(kill > 10) }
            let gone = machine.tally[.pageGone]
            meddle(machine)
            let isMeddled = machine.tally[.pageGone] > gone
            intents.isFull = false
            let next = try Self.process(machine, intents)
            for _ in 0..<12 {
                _ = try? next.deflate(vnode: 0, extents: 64)
                while (try? next.tidy(vnode: 0)) == .more {}
            }
            // The broken page cannot be pinned anew where its pin had gone; it stays in the file.
            let violations = machine.violations.filter { !$0.contains("slot 7 of vnode 0 is a hole without a pin") }
            #expect(violations == [], "killed before step \(kill)")
            if !isMeddled { #expect(free - machine.free(vnode: 0) == .mib(2), "killed before step \(kill)") }
        }
    }

    @Test func `a page cut off behind an empty slot while no process runs is not freed`() throws {
        let machine = Machine(Layout(pnodes: [0], blocksPerVNode: 24, hostFreeFrames: 600))
        let intents = SimulatedIntents(machine)
        let mover = try Self.process(machine, intents)
        _ = try mover.inflate(vnode: 0, extents: 3)
        machine.punch(vnode: 0, slot: 0)
        try mover.recover(vnodes: [0])
        machine.killNow()
        machine.cut(vnode: 0, to: 2)
        let next = try Self.process(machine, intents)
        #expect(next.lostExtents(vnode: 0) == 1)
        for _ in 0..<6 { _ = try? next.deflate(vnode: 0, extents: 64) }
        #expect(machine.violations == [])
    }

    /// The note of a mixed slot stays over a restart, in which no page is missing.
    @Test func `a restart with a mixed slot between an empty and a broken one puts no page aside`() throws {
        let machine = Machine(Layout(pnodes: [0], blocksPerVNode: 24, hostFreeFrames: 600))
        let intents = SimulatedIntents(machine)
        let mover = try Self.process(machine, intents)
        _ = try mover.inflate(vnode: 0, extents: 8)
        machine.punch(vnode: 0, slot: 4)
        _ = try mover.recover(vnode: 0)
        machine.poison(vnode: 0, slot: 7)
        _ = try mover.recover(vnode: 0)
        #expect(mover.lostExtents(vnode: 0) == 1)
        machine.hostTakes(machine.hostFree[0] - 200, pnode: 0)
        _ = try mover.deflate(vnode: 0, extents: 1)
        guard case .moving(let note) = intents.line(vnode: 0), note.slots == 6..<7 else {
            Issue.record("slot 6 alone is noted: \(intents.line(vnode: 0))")
            return
        }
        for _ in 0..<2 {
            machine.killNow()
            let next = try Self.process(machine, intents)
            #expect(next.lostExtents(vnode: 0) == 1)
        }
        #expect(machine.violations == [])
    }
}
