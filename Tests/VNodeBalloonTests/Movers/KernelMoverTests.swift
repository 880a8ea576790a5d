import Simulation
import Testing
import VNodeBalloon

@Suite struct KernelMoverTests {
    /// A guest that has 512 of its 768 MiB. The rest is a hole from boot, as Linux shows it.
    private func guest(countsHole: Bool = true) throws -> KernelHand {
        let hand = try KernelHand(current: 524_288, all: 786_432, countsHole: countsHole)
        try hand.start(
            try KernelMover(
                try hand.balloon(all: 786_432), figures: hand, staticMax: 786_432,
                now: { [unowned hand] in hand.now }))
        return hand
    }

    @Test func `the hole from boot is part of the balloon, and starting changes nothing`() throws {
        let hand = try guest()
        #expect(hand.state.balloon == 262_144)
        #expect(hand.state.vnode.size == 786_432)
        try hand.run(seconds: 1)
        #expect(hand.changes == 0)
    }

    /// The balloon is 384 MiB, so the guest keeps 384 MiB and not 128.
    @Test func `a hole from boot that the kernel does not count is part of the balloon all the same`() throws {
        let hand = try guest(countsHole: false)
        #expect(hand.state.balloon == 262_144)
        for size in [393_216, 131_072, 262_144] as [KiB] {
            hand.target(size)
            try hand.run(seconds: 20)
            #expect(hand.current == 786_432 - size)
            #expect(hand.state.balloon == size)
            #expect(hand.said == "idle")
        }
    }

    @Test func `without static-max, or above it, the balloon is what the kernel counts`() throws {
        let hand = try KernelHand(current: 524_288, all: 786_432, countsHole: false)
        #expect(try hand.balloon().read().balloon == 0)
        #expect(try hand.balloon(all: 500_000).read().balloon == 0)
    }

    @Test(arguments: [393_216, 569_344, 131_072, 262_148, 0] as [KiB])
    func `a target is reached through Linux's balloon, one new size every 64 MiB`(_ size: KiB) throws {
        let hand = try guest()
        hand.target(size)
        try hand.run(seconds: 20)
        #expect(hand.current == 786_432 - size)
        #expect(hand.state.balloon == size)
        #expect(hand.said == "idle")
        // The mover writes a new size every 64 MiB, and no size twice.
        let distance = size.difference(from: 262_144)
        #expect(hand.changes == Int(distance.roundedUp(to: .mib(64)) / .mib(64)))
    }

    @Test func `a kernel that tries again by itself gets no new size, and the vnode is held`() throws {
        let hand = try guest()
        hand.most = 600_000
        hand.target(0)
        try hand.run(seconds: 12)
        #expect(hand.told == ["deflating", "held pnode-full"])
        // One write to 576 MiB, and one to a size beyond what the kernel has.
        #expect(hand.changes == 2)
    }

    @Test func `a kernel that gave up gets a new size at the back-off, until the target is reached`() throws {
        let hand = try guest()
        hand.most = 600_000
        hand.target(0)
        try hand.run(seconds: 60)
        #expect(hand.told.contains("held kernel-stopped"))
        let changes = hand.changes
        try hand.run(seconds: 600)
        // Each try takes a rest and a new size, at least a minute apart.
        #expect(hand.changes > changes)
        #expect(hand.changes - changes <= 20)
        #expect(hand.state.activity == .held)
        hand.most = .max
        try hand.run(seconds: 80)
        #expect(hand.state.balloon == 0)
        #expect(hand.said == "idle")
    }

    @Test func `a vnode whose kernel finds no more memory is held with no-memory`() throws {
        let hand = try guest()
        hand.least = 500_000
        hand.target(393_216)
        try hand.run(seconds: 10)
        #expect(hand.said == "held no-memory")
        #expect(hand.current == 500_000)
    }

    @Test func `a deflate stops at the maximum reservation, and goes on when that is raised`() throws {
        let hand = try guest()
        hand.maximum = 525_312
        hand.target(131_072)
        try hand.run(seconds: 5)
        #expect(hand.said == "held max-reservation")
        #expect(hand.current == 525_312)
        let changes = hand.changes
        try hand.run(seconds: 100)
        #expect(hand.changes == changes)
        hand.maximum = 786_432
        try hand.run(seconds: 70)
        #expect(hand.current == KiB(786_432 - 131_072))
    }

    @Test func `a new target equal to the present balloon stops the kernel's inflate there`() throws {
        let hand = try guest()
        hand.speed = 1024
        hand.target(393_216)
        try hand.run(seconds: 1)
        #expect(hand.said == "inflating")
        hand.target(try #require(hand.state.balloon))
        try hand.run(seconds: 20)
        #expect(hand.said == "idle")
        let reached = try #require(hand.state.balloon)
        #expect(hand.current == 786_432 - reached)
        #expect(reached < 393_216)
    }

    @Test func `a rest stops the kernel's balloon at the size that it has`() throws {
        let hand = try guest()
        hand.speed = 1024
        hand.target(393_216)
        try hand.run(seconds: 1)
        try hand.mover?.rest()
        let before = hand.current
        hand.controller?.setRequest(.absent, vnode: 0)
        try hand.run(seconds: 5)
        #expect(hand.current == before)
        #expect(hand.current > KiB(786_432 - 393_216))
    }

    @Test func `a size that another program writes to the kernel is left as it is, and reported`() throws {
        let hand = try guest()
        try hand.run(seconds: 1)
        try hand.tell(450_000)
        try hand.run(seconds: 10)
        #expect(hand.current == 450_000)
        #expect(hand.state.balloon == KiB(786_432 - 450_000))
        #expect(hand.said == "idle")
    }

    @Test func `the guard holds the kernel's balloon before any size is written`() throws {
        let hand = try guest()
        hand.facts.memory = [0: Hand.memory(availableMiB: 10)]
        hand.target(393_216)
        try hand.run(seconds: 5)
        #expect(hand.said == "held guard")
        #expect(hand.changes == 0)
    }

    @Test func `with virtual NUMA one kernel balloon answers for all vnodes`() throws {
        let hand = try KernelHand(current: 524_288, all: 786_432)
        func backend(_ ranges: [(vnode: UInt32, start: UInt64, end: UInt64)], count: Int) throws -> KernelMover {
            let topology = try VNUMATopology(vnodeCount: count, untrusted: ranges)
            return try KernelMover(
                try hand.balloon(), figures: hand, topology: topology, staticMax: 786_432, now: { 0 })
        }
        let all = [VNode(number: 0, linuxNode: 0, size: 786_432)]
        let two = try backend([(0, 0, 65536), (1, 65536, 196_608)], count: 2)
        #expect(two.vnodes == all)
        #expect(two.domainVNodes.map(\.size) == [262_144, 524_288])
        #expect(two.domainVNodes.map(\.number) == [0, 1])
        let one = try backend([(0, 0, 65536)], count: 1)
        #expect(one.domainVNodes == all)
    }

    @Test func `a kernel without a balloon is refused with an error`() throws {
        let directory = try TemporaryDirectory()
        #expect(throws: BalloonError.self) { try KernelBalloon(directory: directory.path) }
    }
}
