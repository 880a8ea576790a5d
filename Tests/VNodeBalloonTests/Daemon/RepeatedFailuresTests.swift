import Testing

@testable import VNodeBalloon

@Suite struct RepeatedFailuresTests {
    static let second: UInt64 = 1_000_000_000
    static let gone = BalloonError(.store, "xenstore is gone")

    @Test func aFailureThatStaysIsToldOnceAMinute() {
        var failures = RepeatedFailures()
        let told = (0..<180).filter { failures.isDue("publish", Self.gone, now: UInt64($0) * Self.second) }
        #expect(told == [0, 60, 120])
    }

    @Test func anotherFailureIsNews() {
        var failures = RepeatedFailures()
        #expect(failures.isDue("publish", Self.gone, now: 0))
        #expect(failures.isDue("read", Self.gone, now: 1))
        #expect(failures.isDue("publish", BalloonError(.store, "something else"), now: 2))
        #expect(!failures.isDue("publish", BalloonError(.store, "something else"), now: 3))
        failures.succeeded("publish")
        #expect(failures.isDue("publish", BalloonError(.store, "something else"), now: 4))
        #expect(!failures.isDue("read", Self.gone, now: 5))
    }
}
