import Simulation
import Testing
import VNodeBalloon

/// A guest with two nodes whose load comes and goes, under a daemon with `on-pressure = yield`.
@Suite struct PressurePropertyTests {
    struct Guest {
        let hand: Hand
        let kept: KiB
        let least: KiB
        let floor: KiB
        /// How much programs use of each node. A node has 1 GiB.
        var used: [KiB] = [0, 0]
        var wanted: [KiB] = [0, 0]
        /// When each node was last under pressure.
        var pressed: [Moment?] = [nil, nil]
        var moves = 0
        var nextTold: Moment = 0

        init(_ random: inout SeededGenerator) {
            var options = BalloonController.Options()
            options.deflateExtents = random.number(1...64)
            options.guardRule = Guard(minFree: .mib(UInt64(random.number(0...200))))
            least = random.oneIn(2) ? KiB(UInt64(random.number(0...100_000))) : 0
            floor = random.oneIn(2) ? KiB(UInt64(random.number(0...700_000))) : 0
            options.yielding = Yielding(leastBalloon: least)
            options.floor = floor
            hand = Hand(options: options)
            kept = options.guardRule.kept(on: Hand.memory(availableMiB: 0))
        }

        func balloon(_ vnode: Int) -> KiB { (hand.balloons[vnode] ?? 0).kib }

        func available(_ vnode: Int) -> KiB { KiB.gib(1).less(used[vnode] + balloon(vnode)) }

        func memory(_ vnode: Int) -> NodeMemory {
            NodeMemory(managed: .mib(512), free: available(vnode), available: available(vnode))
        }

        mutating func want(_ vnode: Int, _ size: KiB) {
            wanted[vnode] = size
            hand.controller.setRequest(.size(size), vnode: vnode)
        }

        /// The kernel reports pressure once a second while a node has less than the guard keeps.
        mutating func tell() {
            guard hand.now >= nextTold else { return }
            nextTold = hand.now + Hand.second
            guard (0...1).contains(where: { available($0) < kept }) else { return }
            for vnode in 0...1 {
                if available(vnode) < kept { pressed[vnode] = hand.now }
                _ = hand.controller.press(vnode: vnode, memory: memory(vnode), isTold: true, now: hand.now)
            }
        }

        mutating func perform(_ action: Action) throws {
            let (vnode, size) = (action.vnode, KiB.mib(2) * UInt64(action.extents))
            if action.isInflation {
                try demand(available(vnode) >= kept + size, "\(action) into the guard")
                try demand(balloon(vnode) + size + floor <= .gib(1), "\(action) below the floor")
                let isCalm = pressed[vnode].map { hand.now >= $0 + BalloonController.calm } ?? true
                try demand(isCalm, "\(action) soon after pressure")
            } else {
                let left = balloon(vnode) - size
                try demand(left >= min(wanted[vnode].roundedDown(to: .mib(2)), least), "\(action): nothing is left")
            }
            moves += 1
            hand.succeed(action)
        }

        /// Lets time pass until `end`, and everything happen that is due.
        mutating func run(until end: Moment) throws {
            while hand.now < end {
                tell()
                for vnode in 0...1 { hand.facts.memory?[vnode] = memory(vnode) }
                switch hand.next() {
                case .act(let action):
                    try perform(action)
                    hand.now += .milliseconds(1)
                case .wait(let due):
                    try demand(due.map { $0 > hand.now } ?? true, "a busy loop at \(hand.now)")
                    hand.now = min(end, max(hand.now + 1, min(due ?? end, nextTold)))
                    if due ?? end > nextTold && !(0...1).contains(where: { available($0) < kept }) {
                        hand.now = min(end, due ?? end)
                    }
                }
            }
        }
    }

    @Test func `a balloon under random load keeps floor and calm, never oscillates, and arrives at last`() {
        property("pressure", cases: 200) { random in
            var guest = Guest(&random)
            for _ in 0..<20 {
                if random.oneIn(2) { guest.want(random.number(0...1), KiB(UInt64(random.number(0...900_000)))) }
                if random.oneIn(2) { guest.used[random.number(0...1)] = KiB(UInt64(random.number(0...1_000_000))) }
                try guest.run(until: guest.hand.now + UInt64(random.number(1...100)) * Hand.second)
            }
            // The balloons adapt to a steady load within minutes, and then nothing moves for an hour.
            try guest.run(until: guest.hand.now + 5 * BalloonController.calm)
            let moves = guest.moves
            try guest.run(until: guest.hand.now + 3600 * Hand.second)
            try demand(guest.moves == moves, "\(guest.moves - moves) moves under a load that stays the same")
            for vnode in 0...1 {
                let isServed = guest.available(vnode) >= guest.kept
                let least = min(
                    guest.wanted[vnode].roundedDown(to: .mib(2)), guest.least.roundedUp(to: .mib(2)))
                try demand(isServed || guest.balloon(vnode) <= least, "node \(vnode) still suffers")
            }
            // The load ends: every balloon reaches its target, or its floor.
            guest.used = [0, 0]
            try guest.run(until: guest.hand.now + 3 * BalloonController.calm)
            for vnode in 0...1 {
                let most = (.gib(1) - max(guest.floor, guest.kept)).roundedDown(to: .mib(2))
                let wanted = min(guest.wanted[vnode].roundedDown(to: .mib(2)), most)
                try demand(guest.balloon(vnode) == wanted, "vnode \(vnode) is not at \(wanted) KiB")
            }
        }
    }

    /// It deflates at once, and grows again only after a minute of calm.
    @Test func `a load that comes and goes every few seconds lets the balloon grow once a minute at most`() throws {
        var random = SeededGenerator(seed: 1)
        var guest = Guest(&random)
        while guest.least > 0 || guest.floor > 0 { guest = Guest(&random) }
        guest.want(0, .mib(600))
        try guest.run(until: .at(60))
        var (growths, last) = (0, guest.balloon(0))
        for second in 0..<1200 {
            guest.used[0] = second / 5 % 2 == 0 ? .mib(700) : .mib(100)
            try guest.run(until: guest.hand.now + Hand.second)
            if guest.balloon(0) > last { growths += 1 }
            last = guest.balloon(0)
        }
        #expect(growths <= 20, "it grew in \(growths) seconds of 1200")
        #expect(guest.pressed[0] != nil, "there was pressure")
    }
}
