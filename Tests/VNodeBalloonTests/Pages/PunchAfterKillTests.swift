import Simulation
import Testing

@testable import VNodeBalloon

/// A process is killed in the middle of a move, and another program punches a hole into the balloon's file before the next
/// one starts. The page that left the file is a hole of Xen's: its pin must stay, wherever the kill was.
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
    static func killEverywhere(
        from before: Int, to after: Int, punching slots: [Int]
    ) throws -> (kills: Int, found: [String]) {
        var found: [String] = []
        for kill in 0... {
            let machine = Machine(Layout(pnodes: [0], blocksPerVNode: 24, hostFreeFrames: 600))
            let free = machine.free(vnode: 0)
            let intents = SimulatedIntents(machine)
            let mover = try process(machine, intents)
            _ = try mover.inflate(vnode: 0, extents: before)
            machine.plan[machine.steps + kill] = .crashBefore
            _ =
                after > before
                ? try? mover.inflate(vnode: 0, extents: after - before)
                : try? mover.deflate(vnode: 0, extents: before - after)
            if !machine.isKilled { return (kill, found) }
            for slot in slots { machine.punch(vnode: 0, slot: slot) }
            let next = try process(machine, intents)
            for _ in 0..<12 {
                _ = try? next.deflate(vnode: 0, extents: 64)
                while (try? next.tidy(vnode: 0)) == .more {}
            }
            found += machine.violations.map { "killed before step \(kill): \($0)" }
            let missing = free - machine.free(vnode: 0)
            if slots.isEmpty, missing > .zero {
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
}
