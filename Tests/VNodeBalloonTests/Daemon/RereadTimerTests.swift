import Testing

@testable import VNodeBalloon

@Suite struct RereadTimerTests {
    @Test func `an alarm brings the reading of each minute forward by half, and no more`() {
        var timer = RereadTimer()
        timer.begin(now: .zero)
        #expect(!timer.isDue(now: (.zero + .seconds(29)), isAwake: true))
        #expect(timer.isDue(now: (.zero + .seconds(30)), isAwake: true))
        #expect(!timer.isDue(now: (.zero + .seconds(59)), isAwake: false))
        #expect(timer.isDue(now: (.zero + .seconds(60)), isAwake: false))
    }

    /// Where a node is short another alarm rings each 20 ms. Each of them would read everything again.
    @Test func `no alarm cuts the pause after a failure short, nor that of a new file`() {
        var timer = RereadTimer()
        timer.begin(now: .zero)
        timer.come(by: (.zero + .seconds(10)))
        #expect(!timer.isDue(now: (.zero + .milliseconds(9_999)), isAwake: true))
        timer.failed(now: (.zero + .milliseconds(20)))
        #expect(timer.due == (.zero + .milliseconds(1_020)))
        #expect(!timer.isDue(now: (.zero + .milliseconds(40)), isAwake: true))
        #expect(timer.isDue(now: (.zero + .milliseconds(1_020)), isAwake: false))
    }
}
