import Simulation
import Testing
import VNodeBalloon

/// One balloon that serves two or more vnodes, as in a PV guest with virtual NUMA.
@Suite struct SharedBalloonTests {
    /// A balloon, the vnodes that it answers for, and the controller that moves it.
    struct World {
        let sizes: [KiB]
        var shared: SharedBalloon
        var controller: BalloonController
        var requests: [Int: TargetRequest] = [:]
        var balloon: KiB

        init(_ sizes: [KiB], balloon: KiB = 0, limit: KiB? = nil) {
            self.sizes = sizes
            self.balloon = balloon
            let all = VNode(number: 0, linuxNode: 0, size: limit ?? sizes.reduce(.zero, +))
            shared = Self.shared(sizes, all.size)
            controller = BalloonController(vnodes: [all], granularity: 4)
            controller.setBalloon(frames: balloon.wholeFrames, vnode: 0)
        }

        private static func shared(_ sizes: [KiB], _ limit: KiB) -> SharedBalloon {
            let vnodes = sizes.enumerated().map { VNode(number: $0.offset, linuxNode: 0, size: $0.element) }
            return SharedBalloon(vnodes, limit: limit, granularity: 4)
        }

        /// The daemon reads these requests in xenstore. Returns the request for the whole balloon.
        @discardableResult
        mutating func read(_ requests: [Int: TargetRequest]) -> TargetRequest {
            self.requests = requests
            let sum = shared.request(requests, balloon: balloon)
            controller.setRequest(sum, vnode: 0)
            return sum
        }

        mutating func read(_ targets: KiB?...) -> TargetRequest {
            read(Dictionary(uniqueKeysWithValues: targets.enumerated().map { ($0, $1.map { .size($0) } ?? .absent) }))
        }

        mutating func move(to size: KiB) {
            balloon = size
            controller.setBalloon(frames: size.wholeFrames, vnode: 0)
        }

        /// The daemon starts anew.
        mutating func restart() {
            shared = Self.shared(sizes, sizes.reduce(.zero, +))
            read(requests)
        }

        mutating func told() -> [VNodeState] { shared.states(of: controller.states[0]) }
        mutating func shares() -> [KiB] { told().compactMap(\.balloon) }
        mutating func said() -> [String] {
            told().map { [$0.activity.rawValue, $0.reason?.rawValue].compactMap(\.self).joined(separator: " ") }
        }
    }

    @Test func `a shared balloon is asked for the sum, and each vnode is idle when the sum is reached`() {
        var world = World([400, 400])
        #expect(world.read(100, 64) == .size(164))
        #expect(world.said() == ["inflating", "inflating"])
        world.move(to: 120)
        #expect(world.shares() == [100, 20])
        // The share of the first vnode is its target already, but the daemon cannot know that
        // this memory came from there.
        #expect(world.said() == ["inflating", "inflating"])
        world.move(to: 164)
        #expect(world.shares() == [100, 64])
        #expect(world.said() == ["idle", "idle"])
    }

    @Test func `each vnode's target of a shared balloon is rounded by itself`() {
        var world = World([400, 400])
        #expect(world.read(103, 103) == .size(200))
        world.move(to: 200)
        #expect(world.shares() == [100, 100])
    }

    @Test func `targets with the same sum change the shares without a move`() {
        var world = World([400, 400])
        world.read([0: .size(100), 1: .size(64)])
        world.move(to: 164)
        #expect(world.read(64, 100) == .size(164))
        #expect(world.shares() == [64, 100])
        #expect(world.said() == ["idle", "idle"])
    }

    @Test func `a shared balloon that deflates lowers the share of the vnode whose target fell`() {
        var world = World([400, 400])
        world.read([0: .size(100), 1: .size(200)])
        world.move(to: 300)
        #expect(world.read(100, 40) == .size(140))
        #expect(world.shares() == [100, 200])
        world.move(to: 240)
        #expect(world.shares() == [100, 140])
        world.move(to: 140)
        #expect(world.shares() == [100, 40])
    }

    @Test func `a shared balloon that inflates lowers no share below its target`() {
        var world = World([400, 400])
        world.read([0: .size(0), 1: .size(64)])
        world.move(to: 64)
        #expect(world.read(128, 64) == .size(192))
        world.move(to: 100)
        #expect(world.shares() == [36, 64])
    }

    @Test func `a target that is removed on the way leaves its vnode with the share it has`() {
        var world = World([400, 400])
        world.read([0: .size(100), 1: .size(64)])
        world.move(to: 120)
        #expect(world.read(100, nil) == .size(120))
        #expect(world.said() == ["idle", "idle"])
        #expect(world.shares() == [100, 20])
    }

    @Test func `a vnode without a target keeps its share`() {
        var world = World([400, 400])
        world.read([0: .size(100), 1: .size(64)])
        world.move(to: 164)
        #expect(world.read(nil, 200) == .size(300))
        world.move(to: 300)
        #expect(world.shares() == [100, 200])
        #expect(world.read(nil, nil) == .absent)
        #expect(world.shares() == [100, 200])
        #expect(world.said() == ["idle", "idle"])
    }

    @Test func `an invalid target is held in its own row, and the other vnode moves`() {
        var world = World([400, 400])
        world.read([0: .size(100), 1: .size(64)])
        world.move(to: 164)
        #expect(world.read([0: .size(120), 1: .invalid]) == .size(184))
        #expect(world.said() == ["inflating", "held invalid-target"])
        world.move(to: 184)
        #expect(world.shares() == [120, 64])
        #expect(world.said() == ["idle", "held invalid-target"])
        #expect(world.read([1: .invalid]) == .invalid)
        #expect(world.said() == ["idle", "held invalid-target"])
        #expect(world.shares() == [120, 64])
    }

    @Test func `targets whose sum is more than the domain's limit are invalid`() {
        var world = World([400, 400], limit: 500)
        #expect(world.read(300, 300) == .invalid)
        #expect(world.said() == ["held invalid-target", "held invalid-target"])
    }

    @Test func `the hole from boot counts for the vnodes whose targets ask for it, then for the rest`() {
        var world = World([400, 400], balloon: 300)
        #expect(world.shares() == [300, 0])
        #expect(world.read(nil, nil) == .absent)
        #expect(world.read(200, 100) == .size(300))
        #expect(world.shares() == [200, 100])
        var other = World([400, 400], balloon: 300)
        #expect(other.read(100, nil) == .size(300))
        #expect(other.shares() == [100, 200])
    }

    @Test func `a change of the kernel's balloon by another program shows in the shares`() {
        var world = World([400, 400])
        world.read([:])
        world.move(to: 500)
        #expect(world.shares() == [400, 100])
        #expect(world.read(nil, 40) == .size(440))
        world.move(to: 900)
        #expect(world.shares().reduce(0, +) == 900)
    }

    @Test func `what holds a shared balloon holds each of its vnodes`() {
        var world = World([400, 400])
        world.controller.setForced(40, vnode: 0)
        world.read([0: .size(100), 1: .size(64)])
        world.move(to: 40)
        #expect(world.said() == ["held forced", "held forced"])
        #expect(world.shares() == [40, 0])
    }

    @Test func `the shares always add up to the balloon, fit their vnodes and survive a restart`() {
        property("shares", cases: 3000) { random in
            let sizes = (0..<random.number(2...5)).map { _ in KiB(UInt64(random.number(0...60)) * 4) }
            let all = sizes.reduce(.zero, +)
            var world = World(sizes, balloon: KiB(UInt64(random.number(0...Int(all.count / 4))) * 4))
            for _ in 0..<random.number(1...12) {
                try Self.turn(&world, &random)
                let (told, balloon) = (world.told(), world.balloon)
                try demand(told.reduce(.zero) { $0 + ($1.balloon ?? 0) } == balloon, "\(told): not \(balloon)")
                try demand(zip(told, sizes).allSatisfy { $0.balloon ?? .max <= $1 }, "\(told): more than \(sizes)")
                try demand(told.map(\.balloon) == world.told().map(\.balloon), "twice is not once")
            }
        }
    }

    /// Changes something at random, and checks what must hold right afterwards.
    private static func turn(_ world: inout World, _ random: inout SeededGenerator) throws {
        let vnode = random.number(0...world.sizes.count - 1)
        var requests = world.requests
        switch random.number(0...5) {
        case 0: requests[vnode] = .absent
        case 1: requests[vnode] = .invalid
        case 2: world.restart()
        default: requests[vnode] = .size(KiB(UInt64(random.number(0...Int(world.sizes[vnode].count)))))
        }
        let before = world.shares()
        guard case .size(let sum) = world.read(requests) else {
            return try demand(world.shares() == before, "\(before): nothing is asked, yet \(world.shares())")
        }
        let goal = random.oneIn(3) ? (world.balloon + sum) / 8 * UInt64(4) : sum
        world.move(to: goal)
        guard goal == sum else { return }
        for state in world.told() {
            switch requests[state.vnode.number] ?? .absent {
            case .size(let size):
                try demand(state.balloon == size.roundedDown(to: 4), "\(state) has not \(size)")
                try demand(state.activity == .idle, "\(state) is not idle")
            case .absent: try demand(state.activity == .idle, "\(state) is not idle")
            case .invalid: try demand(state.reason == .invalidTarget, "\(state) is not held")
            }
        }
        world.restart()
        let again = world.shared.request(requests, balloon: goal)
        try demand(again == .size(sum), "a restart would move \(sum) to \(again)")
    }
}
