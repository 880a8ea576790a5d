import Simulation
import Testing
import VNodeBalloon

/// What Linux's own balloon takes back beside ours.
@Suite struct DriftTests {
    static let mib: UInt64 = 1024

    @Test func `the memory that Linux's balloon takes back adds up as drift`() {
        var drift = Drift()
        #expect(drift.kib == nil && drift.due == nil)
        drift.see(balloonKiB: 100 * Self.mib, now: 0)
        #expect(drift.kib == 0 && drift.news() == nil, "a hole from boot is no drift")
        drift.see(balloonKiB: 162 * Self.mib, now: 1)
        #expect(drift.kib == 0, "what is given lies nowhere")
        drift.see(balloonKiB: 130 * Self.mib, now: 2)
        drift.see(balloonKiB: 150 * Self.mib, now: 3)
        drift.see(balloonKiB: 100 * Self.mib, now: 4)
        #expect(drift.kib == 82 * Self.mib)
    }

    @Test func `a drift is logged again when it has doubled`() {
        var drift = Drift()
        var told: [UInt64] = []
        for step in (0...100 as ClosedRange<UInt64>).reversed() {
            drift.see(balloonKiB: step * Self.mib, now: 0)
            if let kib = drift.news() { told.append(kib / Self.mib) }
        }
        #expect(told == [1, 2, 4, 8, 16, 32, 64])
    }

    @Test func `a changed memory target is watched until Linux's balloon rests`() {
        var drift = Drift()
        drift.expect(now: 0)
        #expect(drift.due == 0)
        drift.see(balloonKiB: 0, now: 0)
        #expect(drift.due == .zero + Drift.interval)
        drift.see(balloonKiB: 0, now: .at(59))
        #expect(drift.due != nil)
        drift.see(balloonKiB: 1, now: .at(61))
        #expect(drift.due == .at(61) + Drift.interval, "it moves still")
        drift.see(balloonKiB: 1, now: .at(90))
        #expect(drift.due == nil)
    }
}
