import Simulation
import Testing
import VNodeBalloon

/// The memory that Linux's own balloon takes back while the daemon runs.
@Suite struct DriftTests {
    @Test func `the memory that Linux's balloon takes back adds up as drift`() {
        var drift = Drift()
        #expect(drift.amount == nil && drift.due == nil)
        drift.see(balloon: .mib(100), now: 0)
        #expect(drift.amount == 0 && drift.news() == nil, "a hole from boot is no drift")
        drift.see(balloon: .mib(162), now: 1)
        #expect(drift.amount == 0, "what is given lies nowhere")
        drift.see(balloon: .mib(130), now: 2)
        drift.see(balloon: .mib(150), now: 3)
        drift.see(balloon: .mib(100), now: 4)
        #expect(drift.amount == .mib(82))
    }

    @Test func `a drift is logged again when it has doubled`() {
        var drift = Drift()
        var told: [KiB] = []
        for step in (0...100 as ClosedRange<UInt64>).reversed() {
            drift.see(balloon: .mib(step), now: 0)
            if let amount = drift.news() { told.append(amount) }
        }
        #expect(told.map(\.wholeMiB) == [1, 2, 4, 8, 16, 32, 64])
    }

    @Test func `a changed memory target is watched until Linux's balloon rests`() {
        var drift = Drift()
        drift.expect(now: 0)
        #expect(drift.due == 0)
        drift.see(balloon: 0, now: 0)
        #expect(drift.due == .zero + Drift.interval)
        drift.see(balloon: 0, now: .at(59))
        #expect(drift.due != nil)
        drift.see(balloon: 1, now: .at(61))
        #expect(drift.due == .at(61) + Drift.interval, "it moves still")
        drift.see(balloon: 1, now: .at(90))
        #expect(drift.due == nil)
    }
}
