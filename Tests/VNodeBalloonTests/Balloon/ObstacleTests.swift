import Simulation
import Testing
import VNodeBalloon

/// What the controller does about obstacles, and in which order it serves its vnodes.
@Suite struct ObstacleTests {
    static let second = Hand.second

    @Test(arguments: HeldReason.allCases)
    func `a step that fails is tried again after 1, 2, 4 and up to 60 seconds`(_ reason: HeldReason) throws {
        let hand = Hand()
        hand.target(0, mib: 8)
        for delay: UInt64 in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            let action = try #require(hand.action(), "no try at \(hand.now)")
            #expect(hand.state(0).activity == .inflating && hand.state(0).reason == nil)
            hand.fail(action, reason)
            #expect(hand.state(0).activity == .held && hand.state(0).reason == reason)
            let due = hand.now + delay * Self.second
            #expect(hand.next() == .wait(until: due))
            hand.now = due - 1
            #expect(hand.next() == .wait(until: due), "before its time")
            #expect(!hand.controller.wantsMemoryFacts(of: 0, now: hand.now))
            hand.now = due
        }
        // The first success ends the back-off.
        #expect(hand.settle() == [.inflate(vnode: 0, extents: 4)])
        #expect(hand.state(0).activity == .idle && hand.state(0).reason == nil)
        hand.target(0, mib: 0)
        if let action = hand.action() { hand.fail(action, nil) }
        #expect(hand.state(0).reason == .hypervisorRefused)
        #expect(hand.next() == .wait(until: hand.now + Self.second))
    }

    @Test func `a step that moved a part is followed by the next without a wait`() throws {
        let hand = Hand()
        hand.target(0, mib: 8)
        let action = try #require(hand.action(), "nothing to do")
        hand.controller.finish(action, Outcome(balloonFrames: 512, obstacle: .noMemory), now: 0)
        #expect(hand.next() == .act(.inflate(vnode: 0, extents: 3)))
    }

    @Test func `a new target or forced size ends the back-off, and the same target does not`() throws {
        let hand = Hand()
        hand.target(0, mib: 8)
        for _ in 0..<5 {
            if let action = hand.action() { hand.fail(action, .noMemory) }
            if case .wait(let due?) = hand.next() { hand.now = due }
        }
        if let action = hand.action() { hand.fail(action, .noMemory) }
        // The same target once more does not end the back-off.
        hand.target(0, mib: 8)
        #expect(hand.action() == nil)
        hand.target(0, mib: 10)
        let action = try #require(hand.action(), "not at once")
        hand.fail(action, .noMemory)
        #expect(hand.next() == .wait(until: hand.now + Self.second))
        hand.controller.setForced(4096, vnode: 0)
        #expect(hand.next() == .act(.inflate(vnode: 0, extents: 2)))
    }

    @Test func `a held vnode does not hold the other vnodes`() {
        let hand = Hand()
        hand.target(0, mib: 8)
        hand.target(1, mib: 16)
        if let action = hand.action() { hand.fail(action, .pnodeFull) }
        #expect(hand.settle() == [.inflate(vnode: 1, extents: 4), .inflate(vnode: 1, extents: 4)])
        #expect(hand.next() == .wait(until: .at(1)))
    }

    // MARK: The guard

    @Test func `the guard holds an inflate, and lets it go on at the next try with memory`() {
        let hand = Hand()
        hand.target(0, mib: 40)
        // The guard keeps 32 MiB. The 11 MiB above are five extents.
        hand.facts.memory?[0] = Hand.memory(availableMiB: 43)
        #expect(hand.next() == .act(.inflate(vnode: 0, extents: 4)))
        hand.facts.memory?[0] = Hand.memory(availableMiB: 35)
        #expect(hand.next() == .act(.inflate(vnode: 0, extents: 1)))
        hand.facts.memory?[0] = Hand.memory(availableMiB: 33)
        #expect(hand.next() == .wait(until: .at(1)))
        #expect(hand.state(0).activity == .held && hand.state(0).reason == .guard)
        hand.now = .at(1)
        #expect(hand.controller.wantsMemoryFacts(of: 0, now: hand.now))
        #expect(hand.next() == .wait(until: .at(3)))
        // The node has memory again: the inflate goes on at the next try.
        hand.facts.memory?[0] = Hand.memory(availableMiB: 300)
        hand.now = .at(3) - 1
        #expect(hand.next() == .wait(until: .at(3)))
        hand.now += 1
        #expect(hand.settle().count == 5 && hand.balloonMiB(0) == 40)
    }

    @Test func `a deflate asks for no memory facts and is not held by the guard`() {
        let hand = Hand()
        hand.target(0, mib: 8)
        _ = hand.settle()
        hand.facts.memory = [:]
        hand.target(0, mib: 0)
        #expect(!hand.controller.wantsMemoryFacts(of: 0, now: 0))
        #expect(hand.settle() == [.deflate(vnode: 0, extents: 4)])
    }

    @Test func `a vnode without a node gives nothing, and unread zoneinfo is not taken for no node`() {
        let hand = Hand(vnodes: [Hand.vnode(0, linuxNode: nil), Hand.vnode(1)])
        hand.target(0, mib: 8)
        #expect(hand.next() == .wait(until: .at(1)))
        #expect(hand.state(0).activity == .held && hand.state(0).reason == .noNode)
        // /proc/zoneinfo cannot be read: that does not mean that the vnode has no node.
        hand.target(1, mib: 6)
        let known = hand.facts.memory
        hand.facts.memory = nil
        #expect(hand.next() == .wait(until: .at(1)))
        #expect(hand.state(1).activity == .held && hand.state(1).reason == .guard)
        hand.facts.memory = known
        // /proc/zoneinfo can be read and does not have the node: then there is none.
        hand.facts.memory?[1] = nil
        hand.target(1, mib: 8)
        #expect(hand.next() == .wait(until: .at(1)))
        #expect(hand.state(1).reason == .noNode)
    }

    // MARK: Order

    @Test func `vnodes with the same way to go take turns`() {
        let hand = Hand(vnodes: [Hand.vnode(0), Hand.vnode(1), Hand.vnode(2)])
        for vnode in 0...2 { hand.target(vnode, mib: 24) }
        #expect(hand.settle().map(\.vnode) == [0, 1, 2, 0, 1, 2, 0, 1, 2])
    }

    @Test func `at the maximum reservation an inflate comes before the deflate that needs its room`() {
        let hand = Hand()
        hand.balloons = [0: Frames(4 * 512)]
        hand.controller.setBalloon(frames: 4 * 512, vnode: 0)
        hand.target(0, mib: 0)
        hand.target(1, mib: 8)
        hand.facts.maximumReservation = 100_000
        hand.facts.currentReservation = 100_000 - 4 * 512 + 1
        #expect(hand.next() == .act(.inflate(vnode: 1, extents: 4)))
        // There is room for all of the inflate: the vnode whose turn it is comes first.
        hand.facts.currentReservation = 100_000 - 4 * 512
        #expect(hand.next() == .act(.deflate(vnode: 0, extents: 4)))
        // No vnode inflates and makes room. The deflate is tried all the same, and Xen's count will tell.
        hand.facts.currentReservation = 100_000
        hand.target(1, mib: 0)
        #expect(hand.next() == .act(.deflate(vnode: 0, extents: 4)))
    }

    @Test func `the steps of all vnodes together keep the rate`() throws {
        var options = BalloonController.Options()
        options.maxRateMiB = 4
        let hand = Hand(options: options)
        hand.target(0, mib: 24)
        hand.target(1, mib: 8)
        for _ in 0..<7 {
            let start = hand.now
            let action = try #require(hand.action(), "nothing to do at \(hand.now)")
            hand.succeed(action)
            // A step is 4 MiB, at 4 MiB a second, for whichever vnode is next: no step moves
            // more than a second's worth.
            #expect(hand.next() == .wait(until: start + Self.second))
            hand.now = start + Self.second - 1
            #expect(hand.action() == nil)
            hand.now += 1
        }
        #expect(hand.settle().count == 1)
        #expect(hand.next() == .wait(until: nil), "nothing to wait for once all is done")
    }

    @Test func `a low rate delays a step by two seconds at most, and a removed file's deflate not at all`() throws {
        var options = BalloonController.Options()
        options.maxRateMiB = 1
        let hand = Hand(options: options)
        hand.target(0, mib: 400)
        // A step is at least one extent, and at most what this rate allows in two seconds.
        let action = try #require(hand.action(), "nothing to do")
        #expect(action == .inflate(vnode: 0, extents: 1))
        hand.succeed(action)
        hand.target(1, mib: 2)
        #expect(hand.next() == .wait(until: .at(2)))
        // A new rate takes effect at once.
        hand.controller.options.maxRateMiB = 8
        #expect(hand.next() == .act(.inflate(vnode: 1, extents: 1)))
        // The deflate of a removed file does not wait.
        hand.controller.options.maxRateMiB = 1
        try hand.succeed(#require(hand.action(), "nothing to do"))
        #expect(hand.next() == .wait(until: .at(2)))
        hand.controller.setRemoved(true, vnode: 0)
        #expect(hand.next() == .act(.deflate(vnode: 0, extents: 1)))
    }
}
