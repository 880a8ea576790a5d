import Simulation
import Testing

@testable import VNodeBalloon

/// The signs of life for the service manager.
@Suite struct WatchdogTests {
    private let second: Interval = .seconds(1)

    @Test func `a watchdog without patience is never due`() {
        var watchdog = Watchdog(patience: nil)
        let isDue = [Moment.zero, .never].map { watchdog.isDue(now: $0) }
        #expect(watchdog.due == nil && isDue == [false, false])
    }

    /// The loop sleeps until a sign is due. Half of the patience is left for a turn that comes late.
    @Test func `a sign of life is due within half of the watchdog's patience`() {
        for patience in [1, 2, 30, 180] {
            var watchdog = Watchdog(patience: UInt64(patience) * second)
            var now = Moment.at(7)
            var told = now
            let begun = watchdog.isDue(now: now)
            #expect(begun)
            for _ in 0..<20 {
                now = watchdog.due ?? .never
                #expect(now - told <= UInt64(patience) * second / 2)
                let isDue = watchdog.isDue(now: now)
                #expect(isDue)
                told = now
            }
        }
    }

    /// A loop that turns once a minute needs no extra wake-up for the watchdog.
    @Test func `a watchdog of three minutes does not wake a loop that turns once a minute`() {
        var watchdog = Watchdog(patience: 180 * second)
        for minute: UInt64 in 1...20 {
            let isDue = [0, second].map { watchdog.isDue(now: .at(minute * 60) + $0) }
            #expect(isDue == [true, false])
            #expect((watchdog.due ?? .zero) > .at((minute + 1) * 60))
        }
    }
}
