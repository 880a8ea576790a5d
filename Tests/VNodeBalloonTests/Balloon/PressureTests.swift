import Simulation
import Testing
import VNodeBalloon

/// Memory pressure deflates a balloon, and the balloon grows again only when there is plenty of memory.
@Suite struct PressureTests {
    static let second = Hand.second
    static let minute = BalloonController.calm

    /// Balloons of 200 MiB on vnode 0 and 100 MiB on vnode 1, which have reached their targets.
    static func hand(yielding: Yielding? = Yielding(), floorMiB: UInt64 = 0) -> Hand {
        var options = BalloonController.Options()
        options.yielding = yielding
        options.floor = .mib(floorMiB)
        let hand = Hand(options: options)
        hand.target(0, mib: 200)
        hand.target(1, mib: 100)
        _ = hand.settle()
        return hand
    }

    /// The kernel reports pressure while the node has this much available.
    static func press(_ hand: Hand, _ vnode: Int = 0, availableMiB: UInt64, isTold: Bool = true) -> Bool {
        let memory = Hand.memory(availableMiB: availableMiB)
        hand.facts.memory?[vnode] = memory
        return press(hand, memory, vnode, isTold: isTold)
    }

    static func press(_ hand: Hand, _ memory: NodeMemory, _ vnode: Int = 0, isTold: Bool) -> Bool {
        hand.controller.press(vnode: vnode, memory: memory, isTold: isTold, now: hand.now)
    }

    @Test func `pressure deflates the vnode on the node that is short, by what the node lacks`() {
        let hand = Self.hand()
        #expect(Self.press(hand, availableMiB: 11))
        // The node lacks 21 MiB, which are eleven extents. The other vnode stays as it is.
        #expect(hand.settle() == [.deflate(vnode: 0, extents: 11)])
        #expect(hand.state(0).activity == .held && hand.state(0).reason == .guard)
        #expect(hand.state(0).target == .mib(200) && hand.balloonMiB(0) == 178)
        #expect(hand.state(1).activity == .idle && hand.balloonMiB(1) == 100)
        // The balloon stays so while the node has no more memory. The node is checked once a minute.
        hand.facts.memory?[0] = Hand.memory(availableMiB: 33)
        for tick in 1...5 as ClosedRange<UInt64> {
            #expect(hand.next() == .wait(until: .at(60 * tick)))
            #expect(!hand.controller.wantsMemoryFacts(of: 0, now: .at(60 * tick) - 1))
            hand.now = .at(60 * tick)
            #expect(hand.controller.wantsMemoryFacts(of: 0, now: hand.now))
        }
        // The guard keeps 32 MiB. From 40 MiB on, a quarter more, the balloon grows to its target again.
        hand.facts.memory?[0] = Hand.memory(availableMiB: 39)
        #expect(hand.next() == .wait(until: .at(60 * 6)))
        hand.now = .at(60 * 6)
        hand.facts.memory?[0] = Hand.memory(availableMiB: 400)
        _ = hand.settle()
        #expect(hand.state(0).activity == .idle && hand.balloonMiB(0) == 200)
    }

    @Test func `pressure with enough memory on the node, or without yielding, moves nothing`() {
        let hand = Self.hand()
        #expect(!Self.press(hand, availableMiB: 32))
        #expect(hand.settle().isEmpty && hand.state(0).activity == .idle)
        let staying = Self.hand(yielding: nil)
        #expect(!Self.press(staying, availableMiB: 1))
        #expect(staying.settle().isEmpty && staying.state(0).activity == .idle)
    }

    @Test func `pressure leaves the least balloon that yield-to sets`() {
        let hand = Self.hand(yielding: Yielding(leastBalloon: .mib(191)))
        #expect(Self.press(hand, availableMiB: 1))
        #expect(hand.settle() == [.deflate(vnode: 0, extents: 4)])
        #expect(hand.balloonMiB(0) == 192 && hand.state(0).reason == .guard)
        #expect(!Self.press(hand, availableMiB: 1), "there is no more to be had")
        #expect(hand.settle().isEmpty)
        // It deflates by no more than all of the balloon.
        let other = Self.hand()
        other.target(1, mib: 4)
        _ = other.settle()
        #expect(Self.press(other, 1, availableMiB: 1))
        #expect(other.settle() == [.deflate(vnode: 1, extents: 2)] && other.state(1).activity == .held)
    }

    @Test func `pressure again deflates more, and the minute of calm counts from the last time`() {
        let hand = Self.hand()
        #expect(Self.press(hand, availableMiB: 20))
        #expect(hand.settle() == [.deflate(vnode: 0, extents: 6)])
        hand.now = .at(30)
        #expect(Self.press(hand, availableMiB: 28))
        #expect(hand.settle() == [.deflate(vnode: 0, extents: 2)] && hand.balloonMiB(0) == 184)
        // The minute of calm counts from the last pressure. A new target does not shorten it.
        hand.facts.memory?[0] = Hand.memory(availableMiB: 400)
        hand.target(0, mib: 300)
        #expect(hand.next() == .wait(until: .at(90)))
        #expect(hand.state(0).activity == .held && hand.state(0).reason == .guard)
        hand.target(0, mib: 100)
        #expect(hand.settle().count == 1 && hand.state(0).activity == .idle)
        hand.now = .at(90)
        hand.target(0, mib: 300)
        _ = hand.settle()
        #expect(hand.balloonMiB(0) == 300)
    }

    @Test func `pressure deflates a balloon that is forced, or that has no target`() {
        let hand = Self.hand()
        hand.controller.setForced(.mib(220), vnode: 0)
        hand.controller.setRequest(.absent, vnode: 1)
        _ = hand.settle()
        #expect(Self.press(hand, availableMiB: 30) && Self.press(hand, 1, availableMiB: 30))
        #expect(hand.settle() == [.deflate(vnode: 1, extents: 1), .deflate(vnode: 0, extents: 1)])
        #expect(hand.state(0).reason == .guard && hand.state(1).activity == .idle && hand.balloonMiB(1) == 98)
    }

    @Test func `pressure ends an inflate's back-off, but not a deflate's`() throws {
        let hand = Self.hand()
        hand.target(0, mib: 300)
        try hand.fail(#require(hand.action(), "nothing to do"), .noMemory)
        #expect(hand.next() == .wait(until: .at(1)))
        #expect(Self.press(hand, availableMiB: 30))
        let action = try #require(hand.action(), "it waits")
        #expect(action == .deflate(vnode: 0, extents: 1))
        // A deflate that fails is tried again later and later, however often the kernel reports pressure.
        hand.fail(action, .pnodeFull)
        #expect(!Self.press(hand, availableMiB: 30))
        #expect(hand.next() == .wait(until: .at(1)) && hand.state(0).reason == .pnodeFull)
    }

    @Test func `a deflate under pressure does not wait for the rate`() throws {
        let hand = Self.hand()
        hand.controller.options.maxRateMiB = 2
        hand.target(0, mib: 300)
        try hand.succeed(#require(hand.action(), "nothing to do"))
        #expect(hand.next() == .wait(until: .at(1)))
        #expect(Self.press(hand, availableMiB: 28))
        #expect(hand.settle() == [.deflate(vnode: 0, extents: 1), .deflate(vnode: 0, extents: 1)])
    }

    @Test func `a balloon grows to its target again once yielding is turned off`() {
        let hand = Self.hand()
        _ = Self.press(hand, availableMiB: 30)
        _ = hand.settle()
        hand.controller.options.yielding = nil
        hand.facts.memory?[0] = Hand.memory(availableMiB: 400)
        #expect(hand.settle() == [.inflate(vnode: 0, extents: 1)])
    }

    // MARK: What the kernel does not tell

    @Test func `a node that loses memory is answered though the kernel reports no pressure`() {
        let hand = Self.hand()
        #expect(!Self.press(hand, availableMiB: 24, isTold: false), "a little less than what an inflate leaves")
        #expect(Self.press(hand, availableMiB: 23, isTold: false))
        #expect(hand.settle() == [.deflate(vnode: 0, extents: 5)] && hand.state(0).reason == .guard)
    }

    @Test func `reclaimable memory does not count while the kernel reports pressure`() {
        let hand = Self.hand()
        let memory = NodeMemory(managed: .mib(512), free: 0, available: .mib(200))
        #expect(!Self.press(hand, memory, isTold: false), "a cache is no pressure")
        #expect(Self.press(hand, memory, isTold: true))
        #expect(hand.settle() == [.deflate(vnode: 0, extents: 4)] && hand.state(0).reason == .guard)
        // The balloon does not grow while tasks wait for memory, however much counts as available.
        let scarce = NodeMemory(managed: .mib(512), free: .mib(20), available: .mib(200))
        hand.facts.memory?[0] = scarce
        for second in 1...200 as ClosedRange<UInt64> {
            hand.now = .at(second)
            #expect(!Self.press(hand, scarce, isTold: true))
            #expect(hand.settle().isEmpty && hand.balloonMiB(0) == 192)
        }
        hand.now += Self.minute
        #expect(hand.settle() == [.inflate(vnode: 0, extents: 4)] && hand.state(0).activity == .idle)
    }

    @Test func `pressure that an inflate itself causes by reclaim does not stop the inflate`() {
        let hand = Self.hand()
        hand.target(0, mib: 300)
        let memory = NodeMemory(managed: .mib(512), free: 0, available: .mib(200))
        #expect(!Self.press(hand, memory, isTold: true))
        _ = hand.settle()
        #expect(hand.balloonMiB(0) == 300)
    }

    // MARK: The floor

    @Test func `a vnode's memory stays above the floor, whatever the target or the forced size`() {
        let hand = Self.hand(yielding: nil, floorMiB: 925)
        // 1024 MiB less the floor of 925 are 99 MiB, or 49 extents. More is never given, so
        // there is nothing to wait for.
        #expect(hand.balloonMiB(0) == 98 && hand.next() == .wait(until: nil))
        #expect(hand.state(0).activity == .held && hand.state(0).reason == .guard)
        #expect(hand.state(0).target == .mib(200))
        hand.controller.setForced(.mib(150), vnode: 1)
        #expect(hand.settle().isEmpty && hand.balloonMiB(1) == 98 && hand.state(1).reason == .guard)
        // A higher floor takes memory back, and a lower one lets the balloon grow.
        hand.controller.options.floor = .mib(1000)
        #expect(hand.settle().count == 2 && hand.balloonMiB(0) == 24 && hand.balloonMiB(1) == 24)
        hand.controller.options.floor = .mib(2000)
        _ = hand.settle()
        #expect(hand.balloonMiB(0) == 0)
        hand.controller.options.floor = 0
        _ = hand.settle()
        #expect(hand.balloonMiB(0) == 200 && hand.balloonMiB(1) == 150 && hand.state(0).activity == .idle)
    }
}
