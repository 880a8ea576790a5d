import Simulation
import Testing
import VNodeBalloon

/// What the controller does when there is no obstacle.
@Suite struct ControllerTests {
    @Test func `a controller without targets moves nothing and waits for nothing`() {
        let hand = Hand()
        #expect(hand.next() == .wait(until: nil))
        #expect(hand.state(0).activity == .idle && hand.state(0).target == nil)
    }

    @Test func `a balloon follows its target up and down`() {
        let hand = Hand()
        hand.target(1, mib: 20)
        #expect(hand.state(1).activity == .inflating && hand.state(0).activity == .idle)
        let up: [Action] = [
            .inflate(vnode: 1, extents: 4), .inflate(vnode: 1, extents: 4), .inflate(vnode: 1, extents: 2),
        ]
        #expect(hand.settle() == up)
        #expect(hand.balloonMiB(1) == 20 && hand.balloonMiB(0) == 0)
        #expect(hand.state(1).activity == .idle && hand.state(1).target == .mib(20))
        #expect(hand.next() == .wait(until: nil))
        hand.target(1, mib: 6)
        #expect(hand.state(1).activity == .deflating)
        #expect(hand.settle() == [.deflate(vnode: 1, extents: 7)])
        hand.target(1, mib: 0)
        #expect(hand.settle() == [.deflate(vnode: 1, extents: 3)])
        #expect(hand.balloonMiB(1) == 0 && hand.state(1).activity == .idle)
    }

    @Test func `a step moves at most as many extents as the options allow`() {
        var options = BalloonController.Options()
        options.inflateExtents = 3
        options.deflateExtents = 5
        let hand = Hand(options: options)
        hand.target(0, mib: 14)
        #expect(hand.settle() == [3, 3, 1].map { .inflate(vnode: 0, extents: $0) })
        hand.target(0, mib: 0)
        #expect(hand.settle() == [5, 2].map { .deflate(vnode: 0, extents: $0) })
    }

    @Test func `a target is rounded down to the granularity`() {
        let hand = Hand()
        hand.controller.setRequest(.size(2047), vnode: 0)
        #expect(hand.settle().isEmpty && hand.state(0).target == 0)
        hand.controller.setRequest(.size(2 * 2048 + 1), vnode: 0)
        #expect(hand.settle() == [.inflate(vnode: 0, extents: 2)])
        #expect(hand.state(0).target == 4096)
    }

    /// The balloon is not a whole number of extents at first.
    @Test func `a balloon with part of an extent is made whole by a step of one extent`() {
        let hand = Hand()
        hand.controller.setBalloon(frames: 512 + 100, vnode: 0)
        hand.target(0, mib: 4)
        #expect(hand.next() == .act(.inflate(vnode: 0, extents: 1)))
        hand.target(0, mib: 2)
        #expect(hand.next() == .act(.deflate(vnode: 0, extents: 1)))
        hand.target(0, mib: 0)
        #expect(hand.next() == .act(.deflate(vnode: 0, extents: 2)))
    }

    @Test func `a new target turns a moving balloon round`() {
        let hand = Hand()
        hand.target(0, mib: 100)
        for _ in 0..<3 { if let action = hand.action() { hand.succeed(action) } }
        #expect(hand.balloonMiB(0) == 24)
        hand.target(0, mib: 10)
        #expect(hand.next() == .act(.deflate(vnode: 0, extents: 7)))
        hand.target(0, mib: 30)
        #expect(hand.settle().allSatisfy { $0 != .deflate(vnode: 0, extents: 7) })
        #expect(hand.balloonMiB(0) == 30)
    }

    @Test func `an absent or invalid target moves nothing, and only the invalid one is held`() {
        let hand = Hand()
        hand.target(0, mib: 20)
        if let action = hand.action() { hand.succeed(action) }
        hand.controller.setRequest(.invalid, vnode: 0)
        #expect(hand.next() == .wait(until: nil))
        #expect(hand.state(0).activity == .held && hand.state(0).reason == .invalidTarget)
        #expect(hand.state(0).target == nil && hand.balloonMiB(0) == 8)
        hand.target(1, mib: 2)
        #expect(hand.settle() == [.inflate(vnode: 1, extents: 1)])
        hand.controller.setRequest(.absent, vnode: 0)
        #expect(hand.next() == .wait(until: nil))
        #expect(hand.state(0).activity == .idle && hand.state(0).reason == nil)
        #expect(hand.state(0).target == nil && hand.balloonMiB(0) == 8)
    }

    @Test func `a balloon that an audit found too small is inflated to its target`() {
        let hand = Hand()
        hand.target(0, mib: 8)
        _ = hand.settle()
        hand.balloons[0] = 3 * 512
        hand.controller.setBalloon(frames: 3 * 512, vnode: 0)
        #expect(hand.state(0).activity == .inflating)
        #expect(hand.settle() == [.inflate(vnode: 0, extents: 1)])
    }

    @Test func `a request for a vnode that does not exist moves nothing`() {
        let hand = Hand()
        hand.target(7, mib: 8)
        hand.controller.setForced(4096, vnode: 7)
        #expect(hand.next() == .wait(until: nil))
        #expect(!hand.controller.wantsMemoryFacts(of: 7, now: 0))
    }

    // MARK: Forced sizes

    @Test func `a forced size precedes the target until it is released`() {
        let hand = Hand()
        hand.target(0, mib: 20)
        hand.controller.setForced(.mib(4) + 100, vnode: 0)
        #expect(hand.settle() == [.inflate(vnode: 0, extents: 2)])
        #expect(hand.state(0).forced == 4096 && hand.state(0).target == .mib(20))
        #expect(hand.state(0).activity == .held && hand.state(0).reason == .forced)
        hand.target(0, mib: 4)
        #expect(hand.state(0).activity == .idle && hand.state(0).reason == nil)
        hand.target(0, mib: 6)
        #expect(hand.next() == .wait(until: nil) && hand.state(0).reason == .forced)
        hand.controller.setForced(nil, vnode: 0)
        #expect(hand.settle() == [.inflate(vnode: 0, extents: 1)])
        #expect(hand.state(0).forced == nil && hand.state(0).reason == nil)
    }

    @Test func `a forced size is reached without a target, or with an invalid one`() {
        let hand = Hand()
        hand.controller.setForced(4096, vnode: 1)
        #expect(hand.settle() == [.inflate(vnode: 1, extents: 2)])
        #expect(hand.state(1).activity == .idle)
        // It is released and has no target: the balloon stays as it is.
        hand.controller.setForced(nil, vnode: 1)
        #expect(hand.next() == .wait(until: nil) && hand.balloonMiB(1) == 4)
        hand.controller.setForced(0, vnode: 1)
        hand.controller.setRequest(.invalid, vnode: 1)
        #expect(hand.settle() == [.deflate(vnode: 1, extents: 2)])
        #expect(hand.state(1).reason == .invalidTarget)
    }

    // MARK: memory/target

    @Test func `after memory target has come back a balloon may only deflate`() {
        let hand = Hand()
        hand.target(0, mib: 4)
        _ = hand.settle()
        hand.target(0, mib: 8)
        hand.target(1, mib: 8)
        hand.controller.setLegacyTargetReturned(true)
        #expect(hand.next() == .wait(until: nil))
        #expect(hand.state(0).activity == .held && hand.state(0).reason == .legacyTarget)
        #expect(!hand.controller.wantsMemoryFacts(of: 1, now: 0))
        hand.target(0, mib: 2)
        #expect(hand.settle() == [.deflate(vnode: 0, extents: 1)])
        hand.controller.setLegacyTargetReturned(false)
        #expect(hand.settle() == [.inflate(vnode: 1, extents: 4)])
    }

    @Test func `a balloon whose file was removed is emptied, and held until the file is made anew`() {
        let hand = Hand()
        hand.target(0, mib: 8)
        _ = hand.settle()
        hand.controller.setRemoved(true, vnode: 0)
        #expect(hand.state(0).activity == .deflating)
        #expect(hand.settle() == [.deflate(vnode: 0, extents: 4)])
        #expect(hand.state(0).activity == .held && hand.state(0).reason == .filesRemoved)
        hand.target(0, mib: 20)
        hand.controller.setForced(4096, vnode: 0)
        #expect(hand.next() == .wait(until: nil) && !hand.controller.wantsMemoryFacts(of: 0, now: 0))
        hand.target(1, mib: 2)
        #expect(hand.settle() == [.inflate(vnode: 1, extents: 1)])
        hand.controller.setRemoved(false, vnode: 0)
        #expect(hand.settle() == [.inflate(vnode: 0, extents: 2)])
    }

    @Test func `a vnode of unknown size is held, and the other vnodes move`() {
        let hand = Hand()
        hand.controller.setUnknown(.moved, vnode: 0)
        hand.target(0, mib: 8)
        hand.target(1, mib: 2)
        #expect(hand.settle() == [.inflate(vnode: 1, extents: 1)])
        #expect(hand.next() == .wait(until: nil))
        #expect(hand.state(0).activity == .held && hand.state(0).reason == .moved)
        hand.controller.setBalloon(frames: 512, vnode: 0)
        hand.balloons[0] = 512
        #expect(hand.settle() == [.inflate(vnode: 0, extents: 3)])
        #expect(hand.state(0).activity == .idle && hand.state(0).reason == nil)
    }

    /// A hypercall costs as much as the probe of a frame, so the reservations are read only
    /// where they decide something.
    @Test func `reservations are asked for only where one vnode inflates and another deflates`() {
        let hand = Hand()
        hand.target(0, mib: 8)
        #expect(!hand.controller.wantsReservations(now: 0))
        _ = hand.settle()
        hand.target(1, mib: 8)
        #expect(!hand.controller.wantsReservations(now: 0))
        hand.target(0, mib: 0)
        #expect(hand.controller.wantsReservations(now: 0))
        hand.facts.currentReservation = 1000
        hand.facts.maximumReservation = 1000
        guard let action = hand.action() else { return #expect(Bool(false), "one of them moves") }
        #expect(action == .inflate(vnode: 1, extents: 4))
        hand.fail(action, .noMemory)
        #expect(!hand.controller.wantsReservations(now: 0), "it waits")
        #expect(hand.controller.wantsReservations(now: .at(1)))
    }

    /// A command that runs without a daemon uses the controller in this way.
    @Test func `a controller that does not follow requests shows a target and moves nothing for it`() {
        let hand = Hand()
        hand.controller.setFollowsRequests(false)
        hand.target(0, mib: 8)
        #expect(hand.next() == .wait(until: nil))
        #expect(hand.state(0).target == 8192 && hand.state(0).activity == .idle)
        hand.controller.setForced(2048, vnode: 0)
        #expect(hand.settle() == [.inflate(vnode: 0, extents: 1)])
        #expect(hand.state(0).reason == .forced)
        hand.controller.setFollowsRequests(true)
        hand.controller.setForced(nil, vnode: 0)
        #expect(hand.settle() == [.inflate(vnode: 0, extents: 3)])
    }
}
