import Simulation
import Testing

@testable import VNodeBalloon

/// The same as ``PunchAfterKillTests`` with more on the way: slots that were empty before, pages that are put back, a record
/// that cannot be written, a start that is killed as well.
@Suite struct TakenAfterKillTests {
    /// What another program does to the file between the kill and the next start.
    enum Taken: CustomTestStringConvertible {
        case nothing
        case punch(Int)
        case cut(Int)
        case cutAndPunch(Int, Int)

        func happen(_ machine: Machine) {
            switch self {
            case .nothing: break
            case .punch(let slot): machine.punch(vnode: 0, slot: slot)
            case .cut(let count): machine.cut(vnode: 0, to: max(0, machine.slotCount(vnode: 0) - count))
            case .cutAndPunch(let count, let slot):
                Self.cut(count).happen(machine)
                if slot < machine.slotCount(vnode: 0) { machine.punch(vnode: 0, slot: slot) }
            }
        }

        var testDescription: String { "\(self)" }
    }

    static func finish(_ mover: PrivcmdMover, _ machine: Machine) {
        machine.hostGivesBack(pnode: 0)
        for _ in 0..<14 {
            _ = try? mover.deflate(vnode: 0, extents: 64)
            while (try? mover.tidy(vnode: 0)) == .more {}
        }
    }

    /// Each step of a move is the last one of a process once.
    /// - Returns: how many kills, what was violated, and where the next start told of a page that is lost and is not.
    static func explore(
        hotAdded: Int = 0, taken: Taken, killsStart: Bool = false,
        before: (Machine, SimulatedIntents, PrivcmdMover) throws -> Void = { _, _, _ in },
        move: (PrivcmdMover) throws -> Void
    ) throws -> (kills: Int, holes: [String], wrong: [String]) {
        var (holes, wrong): ([String], [String]) = ([], [])
        for kill in shareOf(0..<10_000) {
            var layout = Layout(pnodes: [0], blocksPerVNode: 24, hostFreeFrames: 6000)
            layout.hotAddedBlocks = hotAdded
            let machine = Machine(layout)
            let intents = SimulatedIntents(machine)
            let mover = try PunchAfterKillTests.process(machine, intents)
            try before(machine, intents, mover)
            machine.plan[machine.steps + kill] = .crashBefore
            _ = try? move(mover)
            if !machine.isKilled { return (kill, holes, wrong) }
            let before = machine.lostBlocks
            taken.happen(machine)
            let truly = machine.lostBlocks - before
            if killsStart {
                machine.plan[machine.steps + 5 + kill * 7 % 60] = .crashBefore
                _ = try? PunchAfterKillTests.process(machine, intents)
                machine.plan = [:]
            }
            let next = try PunchAfterKillTests.process(machine, intents)
            let told = next.lostExtents(vnode: 0)
            intents.isFull = false
            finish(next, machine)
            holes += machine.violations.map { "killed before step \(kill): \($0)" }
            if told > truly { wrong.append("killed before step \(kill): \(told) lost told, \(truly) in truth") }
        }
        return (0, holes, wrong)
    }

    /// Eight extents, one of which another program took while the process ran.
    static func gap(_ slot: Int) -> (Machine, SimulatedIntents, PrivcmdMover) throws -> Void {
        { machine, _, mover in
            _ = try mover.inflate(vnode: 0, extents: 8)
            machine.punch(vnode: 0, slot: slot)
            _ = try mover.recover(vnode: 0)
        }
    }

    @Test(arguments: 1...4) func `pages cut off while pages outside the vnode are put back are not freed`(
        _ count: Int
    ) throws {
        for hotAdded in 1...4 {
            let result = try Self.explore(hotAdded: hotAdded, taken: .cut(count)) {
                _ = try $0.inflate(vnode: 0, extents: 3)
            }
            #expect(result.kills > 10 && result.holes == [])
        }
    }

    /// The empty slot that was there before goes with the end of the file.
    @Test(arguments: 1...4, [0, 1, 2]) func `a page punched out where the noted gap was cut off is not freed`(
        _ count: Int, _ slot: Int
    ) throws {
        let result = try Self.explore(taken: .cutAndPunch(count, slot), before: Self.gap(6)) {
            _ = try $0.deflate(vnode: 0, extents: 4)
        }
        #expect(result.kills > 10 && result.holes == [])
    }

    @Test(arguments: [2, 3, 4]) func `a page punched out after deflates that could not be noted is not freed`(
        _ slot: Int
    ) throws {
        let result = try Self.explore(
            taken: .punch(slot),
            before: { machine, intents, mover in
                try Self.gap(6)(machine, intents, mover)
                intents.isFull = true
                _ = try? mover.deflate(vnode: 0, extents: 1)
            }, move: { _ = try $0.deflate(vnode: 0, extents: 1) })
        #expect(result.kills > 10 && result.holes == [])
    }

    @Test(arguments: [Taken.punch(2), .punch(5), .cut(2)]) func `a start that is killed as well frees no hole`(
        _ taken: Taken
    ) throws {
        for count in [3, 6] {
            let result = try Self.explore(taken: taken, killsStart: true, before: Self.gap(1)) {
                _ = try $0.deflate(vnode: 0, extents: count)
            }
            #expect(result.kills > 10 && result.holes == [])
        }
    }

    /// A kill alone must hide nothing, wherever an empty slot was.
    @Test(arguments: 0...7, [-3, 1, 2, 5]) func `a move killed beside an empty slot puts no page aside`(
        _ slot: Int, _ extents: Int
    ) throws {
        let result = try Self.explore(taken: .nothing, before: Self.gap(slot)) {
            _ =
                extents < 0
                ? try $0.inflate(vnode: 0, extents: -extents) : try $0.deflate(vnode: 0, extents: extents)
        }
        #expect(result.kills > 10 && result.holes == [] && result.wrong == [])
    }

    @Test func `whatever other programs take between killed moves and killed starts is not freed`() {
        property("pages taken after kills", cases: 600) { random in
            let machine = Machine(Layout(pnodes: [0], blocksPerVNode: 24, hostFreeFrames: 6000))
            let intents = SimulatedIntents(machine)
            var mover = try PunchAfterKillTests.process(machine, intents)
            let first = random.number(3...13)
            _ = try? mover.inflate(vnode: 0, extents: first)
            if random.oneIn(3) { try Self.gap(random.number(0...first - 1))(machine, intents, mover) }
            for _ in 0..<random.number(1...3) {
                if random.oneIn(5) { intents.isFull.toggle() }
                machine.plan[machine.steps + random.number(0...45)] = .crashBefore
                for _ in 0..<random.number(1...3) where !machine.isKilled {
                    let extents = random.number(1...6)
                    _ =
                        random.oneIn(3)
                        ? try? mover.inflate(vnode: 0, extents: extents)
                        : try? mover.deflate(vnode: 0, extents: extents)
                }
                if !machine.isKilled { machine.killNow() }
                let slots = machine.slotCount(vnode: 0)
                let taken: Taken =
                    slots == 0
                    ? .nothing : random.oneIn(3) ? .cut(random.number(1...3)) : .punch(random.number(0...slots - 1))
                taken.happen(machine)
                machine.plan = random.oneIn(3) ? [machine.steps + random.number(0...90): .crashBefore] : [:]
                if let next = try? PunchAfterKillTests.process(machine, intents) { mover = next }
                machine.plan = [:]
                if machine.isKilled { mover = try PunchAfterKillTests.process(machine, intents) }
            }
            intents.isFull = false
            Self.finish(mover, machine)
            try demand(machine.violations.isEmpty, "\(machine.violations)")
        }
    }
}
