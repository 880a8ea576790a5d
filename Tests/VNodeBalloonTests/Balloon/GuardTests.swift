import Simulation
import Testing
import VNodeBalloon

@Suite struct GuardTests {
    static let mib: UInt64 = 1024

    static func node(managedMiB: UInt64 = 512, availableMiB: UInt64) -> NodeMemory {
        NodeMemory(managedKiB: managedMiB * mib, freeKiB: 0, availableKiB: availableMiB * mib)
    }

    @Test func `the guard keeps the largest of 32 MiB, a twentieth of the node and min-free`() {
        #expect(Guard().keptKiB(on: Self.node(availableMiB: 0)) == 32 * Self.mib)
        #expect(Guard().keptKiB(on: Self.node(managedMiB: 2000, availableMiB: 0)) == 100 * Self.mib)
        #expect(Guard(minFreeKiB: 90 * Self.mib).keptKiB(on: Self.node(availableMiB: 0)) == 90 * Self.mib)
        #expect(Guard(minFreeKiB: 1).keptKiB(on: Self.node(availableMiB: 0)) == 32 * Self.mib)
    }

    @Test func `the guard lets go whole extents above what it keeps`() {
        #expect(Guard().extents(on: Self.node(availableMiB: 0), extentKiB: 2048) == 0)
        #expect(Guard().extents(on: Self.node(availableMiB: 31), extentKiB: 2048) == 0)
        #expect(Guard().extents(on: Self.node(availableMiB: 32), extentKiB: 2048) == 0)
        #expect(Guard().extents(on: Self.node(availableMiB: 33), extentKiB: 2048) == 0)
        #expect(Guard().extents(on: Self.node(availableMiB: 34), extentKiB: 2048) == 1)
        #expect(Guard().extents(on: Self.node(availableMiB: 131), extentKiB: 2048) == 49)
    }

    @Test func `the back-off doubles from a second to a minute, until it is reset`() {
        var backoff = Backoff()
        #expect(backoff.due == nil && backoff.isDue(now: 0))
        var now: Moment = 5
        for seconds: UInt64 in [1, 2, 4, 8, 16, 32, 60, 60] {
            backoff.failed(now: now)
            #expect(backoff.due == now + seconds * Hand.second)
            #expect(!backoff.isDue(now: now + seconds * Hand.second - 1))
            now += seconds * Hand.second
            #expect(backoff.isDue(now: now))
        }
        backoff.reset()
        #expect(backoff.isDue(now: 0))
        backoff.failed(now: now)
        #expect(backoff.due == now + Hand.second)
    }
}
