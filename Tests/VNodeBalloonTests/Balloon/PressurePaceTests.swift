import Simulation
import Testing
import VNodeBalloon

/// How often the daemon checks the memory of the nodes.
@Suite struct PressurePaceTests {
    static func look(availableMiB: UInt64, balloonMiB: UInt64 = 200) -> PressurePace.Look {
        PressurePace.Look(
            vnode: 0, available: .mib(availableMiB), kept: .mib(32), balloon: .mib(balloonMiB))
    }

    /// A pace over several checks.
    final class Walk {
        var pace = PressurePace()

        func pause(_ looks: PressurePace.Look..., cost: Interval = 0, now: Moment = 0) -> Interval {
            pace.pause(after: looks, cost: cost, now: now)
        }
    }

    @Test func `a node is looked at more often the less memory it has`() {
        let walk = Walk()
        #expect(walk.pause(Self.look(availableMiB: 256)) == Hand.second)
        #expect(walk.pause(Self.look(availableMiB: 32)) == Hand.second / 8)
        #expect(walk.pause(Self.look(availableMiB: 0)) == PressurePace.shortest)
        #expect(walk.pause(Self.look(availableMiB: 4 << 20)) == PressurePace.longest)
        #expect(walk.pause() == PressurePace.longest)
        #expect(
            walk.pause(Self.look(availableMiB: 256), Self.look(availableMiB: 64))
                == Hand.second / 4)
    }

    @Test func `a node that lost memory fast is looked at more often for a minute`() {
        let walk = Walk()
        _ = walk.pause(Self.look(availableMiB: 1024))
        // The node lost 512 MiB in one second.
        let fast = walk.pause(Self.look(availableMiB: 512), now: .at(1))
        #expect(fast == Hand.second / 2)
        #expect(walk.pause(Self.look(availableMiB: 512), now: .at(30)) == fast)
        #expect(walk.pause(Self.look(availableMiB: 512), now: .at(62)) == 2 * Hand.second)
    }

    @Test func `memory that goes into the balloon does not count as lost by the node`() {
        let walk = Walk()
        _ = walk.pause(Self.look(availableMiB: 1024, balloonMiB: 0))
        let pause = walk.pause(Self.look(availableMiB: 512, balloonMiB: 512), now: .at(1))
        #expect(pause == 2 * Hand.second)
    }

    /// Checks may take half a thousandth of a processor while there is plenty of memory, and half a
    /// hundredth while there is little.
    @Test func `a look that takes long is made less often`() {
        let walk = Walk()
        let cost: Interval = .milliseconds(4)
        #expect(walk.pause(Self.look(availableMiB: 256), cost: cost) == 2000 * cost)
        #expect(walk.pause(Self.look(availableMiB: 32), cost: cost) == 200 * cost)
        #expect(walk.pause(Self.look(availableMiB: 256), cost: .max) == PressurePace.longest)
        #expect(walk.pause(Self.look(availableMiB: 32), cost: .max) == PressurePace.longestWithLittle)
    }

    /// A node from which a program takes memory at a steady rate. Its balloon gives memory back
    /// in steps that take time.
    struct Node {
        /// In KiB a second.
        let rate: UInt64
        let hand = PressureTests.hand()
        var available: KiB
        var pace = PressurePace()

        init(rate: UInt64, available: KiB) {
            (self.rate, self.available) = (rate, available)
        }

        /// - Throws: the node has no memory left.
        mutating func pass(_ time: Interval) throws {
            let taken = KiB(rate * time.nanoseconds / Hand.second.nanoseconds)
            try demand(available > taken, "\(rate) KiB a second: empty with \(hand.balloonMiB(0)) MiB given")
            available -= taken
            hand.now += time
        }

        /// - Returns: the time until the next look.
        mutating func look() -> Interval {
            let memory = NodeMemory(managed: .mib(512), free: available, available: available)
            _ = PressureTests.press(hand, memory, isTold: false)
            return pace.pause(after: hand.controller.looks(at: [0: memory]), cost: .microseconds(60), now: hand.now)
        }

        mutating func move() throws {
            while let action = hand.action() {
                try demand(!action.isInflation, "\(action) beside a program that takes memory")
                // A step takes 30 ms, and 150 us for each extent.
                try pass(.milliseconds(30) + .microseconds(150) * UInt64(action.extents))
                hand.succeed(action)
                if action.vnode == 0 { available += .mib(2) * UInt64(action.extents) }
            }
        }
    }

    @Test func `no load of up to 100 MiB a second empties a node whose balloon can deflate`() {
        property("rates", cases: 300) { random in
            var node = Node(
                rate: UInt64(random.number(512...100 * 1024)),
                available: .mib(UInt64(random.number(32...400))))
            while node.hand.balloonMiB(0) > 0 {
                try node.pass(node.look())
                try node.move()
            }
        }
    }
}
