import BalloonCore
import BalloonHost
import HostSimulation
import Testing

@Suite struct BalancerTests {
    let host = SimulatedHost()
    static let second: UInt64 = 1_000_000_000

    @discardableResult
    private func turn(_ balancer: inout Balancer, _ seconds: UInt64) throws -> [UInt16: [Int: UInt64]] {
        let targets = balancer.targets(host.snapshot(), now: seconds * Self.second)
        for (id, targets) in targets { try host.engine.setTargets(host.domain(id), targets) }
        return targets
    }

    @Test func `two guests come to the same level, and rest there`() throws {
        try host.bringUp(1, 2)
        try host.engine.setTargets(host.domain(1), [1: 180 << 10])
        host.follow(1)
        host.xen.freeKiB[1] = 32 << 10
        var balancer = Balancer()
        for second in UInt64(1)...20 {
            try turn(&balancer, second)
            host.follow(2)
            host.follow(1)
        }
        #expect(host.domain(1).vnodes[1].targetKiB == 90 << 10 && host.domain(2).vnodes[1].targetKiB == 90 << 10)
        #expect(host.xen.freeKiB[1] == UInt64(32 << 10))
        for second in UInt64(21)...600 { #expect(try turn(&balancer, second).isEmpty) }
    }

    @Test func `nothing is granted before it is free`() throws {
        try host.bringUp(1, 2)
        try host.engine.setTargets(host.domain(1), [1: 180 << 10])
        host.follow(1)
        host.xen.freeKiB[1] = 32 << 10
        var balancer = Balancer()
        #expect(try turn(&balancer, 1) == [2: [1: 90 << 10]])
        #expect(try turn(&balancer, 2).isEmpty)
        host.follow(2)
        #expect(try turn(&balancer, 3) == [1: [1: 90 << 10]])
    }

    @Test func `who does not move is left out, and asked again later and later`() throws {
        try host.bringUp(1, 2)
        try host.engine.setTargets(host.domain(1), [1: 180 << 10])
        host.follow(1)
        host.xen.freeKiB[1] = 32 << 10
        var balancer = Balancer()
        var asked: [UInt64] = []
        for second in UInt64(1)...200 {
            if try turn(&balancer, second)[2]?[1] == 90 << 10 { asked.append(second) }
            // It says that it goes, and does not.
            host.say(2, 1, size: 0, state: host.row(2, 1, "target-balloon-size") == "0" ? "idle" : "inflating")
        }
        #expect(asked.count == 3 && asked[1] - asked[0] >= 20 && asked[2] - asked[1] >= 80, "\(asked)")
        #expect(host.row(2, 1, "target-balloon-size") == "0")
    }

    @Test func `no vnode turns round within a minute`() throws {
        try host.bringUp(1, 2)
        try host.engine.setTargets(host.domain(1), [1: 180 << 10])
        host.follow(1)
        host.xen.freeKiB[1] = 32 << 10
        var balancer = Balancer()
        try turn(&balancer, 1)
        host.follow(2)
        // The host has a lot of memory all of a sudden.
        host.xen.freeKiB[1] = 600 << 10
        #expect(try turn(&balancer, 2)[2] == nil)
        host.follow(1)
        #expect(try turn(&balancer, 62)[2] == [1: 0])
    }
}
