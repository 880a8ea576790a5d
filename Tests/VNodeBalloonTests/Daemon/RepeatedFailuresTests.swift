import Simulation
import Testing

@testable import VNodeBalloon

@Suite struct RepeatedFailuresTests {
    static let second: Interval = .seconds(1)
    static let gone = BalloonError(.store, "xenstore is gone")

    @Test func `a failure that stays is logged once a minute`() {
        var failures = RepeatedFailures()
        let told = (0..<180).filter { failures.isDue("publish", Self.gone, now: .at(UInt64($0))) }
        #expect(told == [0, 60, 120])
    }

    @Test func `another error of the same task is logged at once, and so is one after a success`() {
        let other = BalloonError(.store, "something else")
        var failures = RepeatedFailures()
        let tries = [("publish", Self.gone), ("read", Self.gone), ("publish", other), ("publish", other)]
        #expect(
            tries.enumerated().map { failures.isDue($1.0, $1.1, now: Moment(nanoseconds: UInt64($0))) } == [
                true, true, true, false,
            ])
        failures.succeeded("publish")
        let later = [("publish", other), ("read", Self.gone)]
        #expect(
            later.enumerated().map { failures.isDue($1.0, $1.1, now: Moment(nanoseconds: 4 + UInt64($0))) } == [
                true, false,
            ])
    }
}
