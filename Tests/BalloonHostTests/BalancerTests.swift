import BalloonCore
import BalloonHost
import HostSimulation
import Simulation
import Testing

@Suite struct BalancerTests {
    let host = SimulatedHost()

    @discardableResult
    private func turn(_ balancer: inout Balancer, _ seconds: UInt64) throws -> [UInt16: [Int: KiB]] {
        let targets = balancer.targets(host.snapshot(), now: .zero + .seconds(seconds))
        for (id, targets) in targets { try host.engine.setTargets(host.domain(id), targets) }
        return targets
    }

    @Test func `the balancer brings two guests to the same balloon, and then moves nothing`() throws {
        try host.bringUp(1, 2)
        try host.engine.setTargets(host.domain(1), [1: .mib(180)])
        host.follow(1)
        host.xen.free[1] = .mib(32)
        var balancer = Balancer()
        for second in UInt64(1)...20 {
            try turn(&balancer, second)
            host.follow(2)
            host.follow(1)
        }
        #expect(host.domain(1).vnodes[1].target == .mib(90) && host.domain(2).vnodes[1].target == .mib(90))
        #expect(host.xen.free[1] == .mib(32))
        for second in UInt64(21)...600 { #expect(try turn(&balancer, second).isEmpty) }
    }

    @Test func `the balancer grants a guest memory only when the other guest has made it free`() throws {
        try host.bringUp(1, 2)
        try host.engine.setTargets(host.domain(1), [1: .mib(180)])
        host.follow(1)
        host.xen.free[1] = .mib(32)
        var balancer = Balancer()
        #expect(try turn(&balancer, 1) == [2: [1: .mib(90)]])
        #expect(try turn(&balancer, 2).isEmpty)
        host.follow(2)
        #expect(try turn(&balancer, 3) == [1: [1: .mib(90)]])
    }

    @Test func `the balancer gives nothing back to a guest that moves nothing and says that it has given less`() throws
    {
        try host.bringUp(1, 2)
        try host.engine.setTargets(host.domain(1), [1: .mib(180)])
        host.follow(1)
        try host.engine.setTargets(host.domain(2), [1: .mib(60)])
        host.follow(2)
        host.xen.free[1] = .mib(32)
        var balancer = Balancer()
        for second in UInt64(1)...60 {
            try turn(&balancer, second)
            host.say(2, 1, size: 0, state: "inflating")
            let target = host.row(2, 1, "target-balloon-size").flatMap { UInt64($0) } ?? 0
            #expect(target >= KiB.mib(60).count, "second \(second)")
        }
    }

    @Test func `the balancer leaves out a guest that does not move, and asks it at growing intervals`() throws {
        try host.bringUp(1, 2)
        try host.engine.setTargets(host.domain(1), [1: .mib(180)])
        host.follow(1)
        host.xen.free[1] = .mib(32)
        var balancer = Balancer()
        var asked: [UInt64] = []
        for second in UInt64(1)...200 {
            if try turn(&balancer, second)[2]?[1] == .mib(90) { asked.append(second) }
            // Guest 2 reports that it inflates, and gives nothing.
            host.say(2, 1, size: 0, state: host.row(2, 1, "target-balloon-size") == "0" ? "idle" : "inflating")
        }
        #expect(asked.count == 3 && asked[1] - asked[0] >= 20 && asked[2] - asked[1] >= 80, "\(asked)")
        #expect(host.row(2, 1, "target-balloon-size") == "0")
    }

    @Test func `a vnode that the balancer has just inflated is not deflated within a minute`() throws {
        try host.bringUp(1, 2)
        try host.engine.setTargets(host.domain(1), [1: .mib(180)])
        host.follow(1)
        host.xen.free[1] = .mib(32)
        var balancer = Balancer()
        try turn(&balancer, 1)
        host.follow(2)
        // Suddenly much of the node is free.
        host.xen.free[1] = .mib(600)
        #expect(try turn(&balancer, 2)[2] == nil)
        host.follow(1)
        #expect(try turn(&balancer, 62)[2] == [1: 0])
    }

    private func short(_ id: UInt16, _ kib: KiB) {
        host.store["/local/domain/\(id)/memory/vnode1/balloon-short"] = "\(kib)"
    }

    private func balloons() -> [UInt64] { [1, 2].map { host.trueBalloon($0, 1).wholeMiB } }

    /// One second of both guests. A program in guest 1 lets its balloon reach no more than `most` MiB: the guard
    /// holds it there, and the guest reports how much it is short of.
    private func live(_ most: UInt64) {
        let most = KiB.mib(most)
        for id in [UInt16(1), 2] {
            let have = host.trueBalloon(id, 1)
            let target = host.target(id, 1) ?? have
            if id == 1 && target > have && have >= most {
                host.say(id, 1, size: have, state: "held", reason: "guard")
            } else {
                host.approach(id, 1, id == 1 && target > have ? min(target, most) : target, by: .mib(32))
            }
        }
        let have = host.trueBalloon(1, 1)
        short(1, have > most ? have - most : 0)
    }

    @Test func `a guest that is short gets memory from the other one, until that ends, without oscillation`()
        throws
    {
        try host.bringUp(1, 2)
        for id in [UInt16(1), 2] {
            try host.engine.setTargets(host.domain(id), [1: .mib(90)])
            host.shift(id, 1, to: .mib(90))
            host.say(id, 1, size: .mib(90))
        }
        host.xen.free[1] = .mib(32)
        var balancer = Balancer()
        var second: UInt64 = 0
        func run(_ seconds: UInt64, most: UInt64) throws -> Int {
            var turns = 0
            for _ in 0..<seconds {
                second += 1
                let before = balloons()
                try turn(&balancer, second)
                live(most)
                if balloons() != before { turns += 1 }
            }
            return turns
        }
        #expect(try run(5, most: 192) == 0)
        _ = try run(20, most: 10)
        #expect(balloons() == [10, 172] && host.xen.free[1] >= .mib(32))
        // The program keeps what it has. Whatever the balancer asks for, no memory moves except what rounding left.
        #expect(try run(600, most: 10) <= 1)
        #expect(balloons() == [10, 170])
        // The program grows a little while the guard holds the balloon.
        #expect(host.domain(1).vnodes[1].exclusion == .held)
        _ = try run(20, most: 0)
        #expect(balloons()[0] == 0)
        #expect(try run(600, most: 0) == 0)
        // The program ends.
        _ = try run(180, most: 192)
        #expect(balloons()[0] == 90 && balloons()[1] < 180 - 30, "\(balloons())")
        #expect(try run(600, most: 192) == 0)
    }

    @Test func `a guest that its guard holds at more than its level asks for gets what is free`() throws {
        try host.bringUp(1, 2)
        for (id, target, size) in [(UInt16(1), KiB.mib(90), KiB.mib(90)), (2, .mib(140), .mib(130))] {
            try host.engine.setTargets(host.domain(id), [1: target])
            host.shift(id, 1, to: size)
            host.say(id, 1, size: size)
        }
        // It was asked for more than it can give, and lacks less than a guest tells.
        host.say(2, 1, size: .mib(130), state: "held", reason: "guard")
        host.xen.free[1] = .mib(32 + 40)
        #expect(host.domain(2).vnodes[1].exclusion == .held)
        var balancer = Balancer()
        for second in UInt64(1)...70 {
            try turn(&balancer, second)
            if host.target(2, 1) == .mib(140) { continue }
            host.approach(2, 1, host.target(2, 1) ?? 0, by: .mib(32))
        }
        #expect(balloons() == [90, 90] && host.xen.free[1] == .mib(32))
    }

    @Test func `a guest that its guard holds is not counted on for more`() throws {
        try host.bringUp(1, 2)
        host.move(2, 1, to: .mib(20), state: "held", reason: "guard")
        try host.engine.setTargets(host.domain(2), [1: .mib(140)])
        host.say(2, 1, size: .mib(20), target: "143360", state: "held", reason: "guard")
        host.xen.free[1] = 0
        _ = try host.engine.ledger.add(pnode: 1, kib: .mib(68), name: "", until: nil)
        var balancer = Balancer()
        #expect(try turn(&balancer, 1) == [1: [1: .mib(100)]])
    }

    @Test func `a guest that claims to be short of a PiB gets no more than its maximum`() throws {
        try host.bringUp(1, 2)
        for id in [UInt16(1), 2] {
            try host.engine.setTargets(host.domain(id), [1: .mib(90)])
            host.shift(id, 1, to: .mib(90))
            host.say(id, 1, size: .mib(90))
        }
        host.xen.free[1] = .mib(32)
        try host.engine.setLimits(host.domain(1), vnode: 1, minimum: nil, maximum: .mib(200))
        short(1, .gib(1 << 20))
        var balancer = Balancer()
        for second in UInt64(1)...100 {
            try turn(&balancer, second)
            live(192)
            short(1, .gib(1 << 20))
        }
        #expect(balloons()[0] == 56 && balloons()[1] <= 192, "\(balloons())")
    }
}
