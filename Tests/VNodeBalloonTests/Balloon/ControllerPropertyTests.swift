import Simulation
import Testing
import VNodeBalloon

/// The controller in random worlds: whatever happens, it keeps its bounds, waits when it must, and reaches
/// its targets when it can.
@Suite struct ControllerPropertyTests {
    /// A world with memory on each node, and a mover that may fail.
    struct World {
        let hand: Hand
        let vnodes: Int
        /// The memory of each node, including the balloon.
        var nodeSizes: [KiB]
        var wanted: [KiB]

        init(_ random: inout SeededGenerator) {
            vnodes = random.number(1...4)
            var options = BalloonController.Options()
            options.inflateExtents = random.number(1...6)
            options.deflateExtents = random.number(1...70)
            options.maxRateMiB = random.oneIn(3) ? UInt64(random.number(1...500)) : 0
            options.guardRule = Guard(minFree: .mib(UInt64(random.number(0...60))))
            hand = Hand(vnodes: (0..<vnodes).map { Hand.vnode($0) }, options: options)
            nodeSizes = (0..<vnodes).map { _ in KiB(UInt64(random.number(0...400)) * 1000) }
            wanted = (0..<vnodes).map { _ in 0 }
            look()
        }

        /// Gathers what the daemon reads before each decision.
        mutating func look() {
            for vnode in 0..<vnodes {
                let held = (hand.balloons[vnode] ?? 0).kib
                let available = nodeSizes[vnode].less(held)
                let memory = NodeMemory(managed: .mib(512), free: available, available: available)
                hand.facts.memory?[vnode] = memory
            }
        }

        mutating func newTarget(_ random: inout SeededGenerator) {
            let vnode = random.number(0...vnodes - 1)
            let size = KiB(UInt64(random.number(0...400_000)))
            wanted[vnode] = size.roundedDown(to: .mib(2))
            hand.controller.setRequest(.size(size), vnode: vnode)
        }

        /// Checks that an action goes beyond neither its target, nor the guard, nor the bound of a step.
        func check(_ action: Action) throws {
            let balloon = (hand.balloons[action.vnode] ?? 0).kib
            let target = wanted[action.vnode]
            let options = hand.controller.options
            switch action {
            case .inflate(let vnode, let extents):
                let size = KiB.mib(2) * UInt64(extents)
                try demand(extents >= 1 && extents <= options.inflateExtents, "\(action): bound of a step")
                try demand(balloon + size <= target, "\(action) beyond \(target) from \(balloon)")
                guard let memory = hand.facts.memory?[vnode] else { throw Falsified(description: "no memory known") }
                let kept = options.guardRule.kept(on: memory)
                try demand(memory.available >= kept + size, "\(action) into the guard")
            case .deflate(_, let extents):
                try demand(extents >= 1 && extents <= options.deflateExtents, "\(action): bound of a step")
                try demand(balloon >= target + .mib(2) * UInt64(extents), "\(action) beyond \(target) from \(balloon)")
            }
        }

        /// Does a part of an action, or none of it, or all.
        mutating func perform(_ action: Action, _ random: inout SeededGenerator) {
            switch random.number(0...3) {
            case 0: hand.fail(action, random.pick(HeldReason.allCases))
            case 1:
                let extents = UInt64(random.number(0...(action.extents - 1)))
                let balloon = hand.balloons[action.vnode] ?? 0
                hand.balloons[action.vnode] = action.isInflation ? balloon + 512 * extents : balloon - 512 * extents
                hand.fail(action, .pnodeFull)
            default: hand.succeed(action)
            }
        }
    }

    /// Lets the world take some steps: targets change, moves fail, memory comes and goes, time passes.
    static func stir(_ world: inout World, steps: Int, _ random: inout SeededGenerator) throws {
        for _ in 0..<steps {
            if random.oneIn(5) { world.newTarget(&random) }
            if random.oneIn(10) {
                world.nodeSizes[random.number(0...world.vnodes - 1)] = KiB(UInt64(random.number(0...400_000)))
            }
            world.look()
            let (before, now) = (world.hand.controller.states, world.hand.now)
            switch world.hand.next() {
            case .act(let action):
                try world.check(action)
                world.perform(action, &random)
            case .wait(let due):
                try demand(due.map { $0 > now } ?? true, "waits until \(due ?? .zero) at \(now): a busy loop")
                // Asked again before that time, it returns the same wait.
                let again = world.hand.next()
                try demand(again == .wait(until: due), "\(again) after waiting for \(due ?? .zero)")
                try demand(before.map(\.balloonFrames) == world.hand.controller.states.map(\.balloonFrames), "moved")
                world.hand.now += .nanoseconds(UInt64(random.number(1...3_000_000_000)))
            }
        }
    }

    @Test func `no action goes beyond target, guard or the step's bound, and no wait is a busy loop`() {
        property("controller", cases: 300) { random in
            var world = World(&random)
            try Self.stir(&world, steps: 120, &random)
        }
    }

    @Test func `every balloon reaches its target when nothing is in the way`() {
        property("convergence", cases: 150) { random in
            var world = World(&random)
            try Self.stir(&world, steps: 60, &random)
            world.nodeSizes = world.nodeSizes.map { _ in 10_000_000 }
            var steps = 0
            while true {
                world.look()
                steps += 1
                try demand(steps < 5_000, "does not end: \(world.hand.controller.states)")
                switch world.hand.next() {
                case .act(let action):
                    try world.check(action)
                    world.hand.succeed(action)
                case .wait(let due?): world.hand.now = due
                case .wait(nil):
                    for vnode in 0..<world.vnodes {
                        let state = world.hand.state(vnode)
                        let isThere = state.balloon == world.wanted[vnode] && state.activity == .idle
                        try demand(isThere && state.reason == nil, "\(state), wanted \(world.wanted[vnode])")
                    }
                    return
                }
            }
        }
    }

    /// An obstacle that lasts all day: the controller checks it about once a minute.
    @Test func `a controller that is held all day decides about once a minute`() {
        let hand = Hand()
        hand.target(0, mib: 8)
        hand.facts.memory?[0] = Hand.memory(availableMiB: 1)
        var decisions = 0
        while hand.now < .at(86_400) && decisions < 2_000 {
            decisions += 1
            guard case .wait(let due?) = hand.next() else { break }
            hand.now = due
        }
        #expect(hand.now >= .at(86_400), "it is held all day")
        #expect(decisions <= 1_450)
    }

    /// A stretch of time may have one step more than the rate allows: the step moves at once, and the wait follows.
    @Test func `no more is moved than the rate allows, over any stretch of time`() {
        property("rate", cases: 50) { random in
            var options = BalloonController.Options()
            options.maxRateMiB = UInt64(random.number(1...300))
            let hand = Hand(options: options)
            for vnode in 0...1 { hand.target(vnode, mib: UInt64(random.number(0...500))) }
            var (movedMiB, lastMiB): (UInt64, UInt64) = (0, 0)
            for _ in 0..<500 {
                switch hand.next() {
                case .act(let action):
                    lastMiB = UInt64(action.extents) * 2
                    let allowed =
                        Double(options.maxRateMiB) * Double(hand.now.nanoseconds) / Double(Hand.second.nanoseconds)
                    try demand(Double(movedMiB) <= allowed + 0.01, "\(movedMiB) MiB by \(hand.now) ns")
                    hand.succeed(action)
                    movedMiB += lastMiB
                case .wait(nil): return
                case .wait: hand.now += .nanoseconds(UInt64(random.number(1...20_000_000)))
                }
            }
        }
    }
}

extension Action {
    var extents: Int {
        switch self {
        case .inflate(_, let extents), .deflate(_, let extents): return extents
        }
    }

    var isInflation: Bool {
        if case .inflate = self { return true }
        return false
    }
}
