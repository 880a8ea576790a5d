import Simulation
import Testing
import VNodeBalloon

@Suite struct GuardTests {
    static func node(managedMiB: UInt64 = 512, availableMiB: UInt64) -> NodeMemory {
        NodeMemory(managed: .mib(managedMiB), free: 0, available: .mib(availableMiB))
    }

    @Test func `the guard keeps the largest of 32 MiB, a twentieth of the node and min-free`() {
        #expect(Guard().kept(on: Self.node(availableMiB: 0)) == .mib(32))
        #expect(Guard().kept(on: Self.node(managedMiB: 2000, availableMiB: 0)) == .mib(100))
        #expect(Guard(minFree: .mib(90)).kept(on: Self.node(availableMiB: 0)) == .mib(90))
        #expect(Guard(minFree: 1).kept(on: Self.node(availableMiB: 0)) == .mib(32))
    }

    @Test func `the guard lets go whole extents above what it keeps`() {
        #expect(Guard().extents(on: Self.node(availableMiB: 0), extent: 2048) == 0)
        #expect(Guard().extents(on: Self.node(availableMiB: 31), extent: 2048) == 0)
        #expect(Guard().extents(on: Self.node(availableMiB: 32), extent: 2048) == 0)
        #expect(Guard().extents(on: Self.node(availableMiB: 33), extent: 2048) == 0)
        #expect(Guard().extents(on: Self.node(availableMiB: 34), extent: 2048) == 1)
        #expect(Guard().extents(on: Self.node(availableMiB: 131), extent: 2048) == 49)
    }

    @Test func `the back-off doubles from a second to a minute, until it is reset`() {
        var backoff = Backoff()
        #expect(backoff.due == nil && backoff.isDue(now: 0))
        var now: Moment = 5
        for seconds: UInt64 in [1, 2, 4, 8, 16, 32, 60, 60] {
            backoff.failed(now: now)
            #expect(backoff.due == now + seconds * Hand.second)
            #expect(!backoff.isDue(now: now + (seconds * Hand.second - 1)))
            now += seconds * Hand.second
            #expect(backoff.isDue(now: now))
        }
        backoff.reset()
        #expect(backoff.isDue(now: 0))
        backoff.failed(now: now)
        #expect(backoff.due == now + Hand.second)
    }
}
