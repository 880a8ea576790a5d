/// How long xenstore has not answered. While it is silent nobody waits for it; a small question now and then tells when it
/// is back. Nanoseconds of the monotonic clock.
package struct StoreSilence: Equatable, Sendable {
    /// An answer that takes longer is not waited for.
    package static let patience: UInt64 = 2_000_000_000
    /// A small question each so often. The first one's answer may be lost, while others would be answered.
    static let interval: UInt64 = 10_000_000_000
    /// Then the connection is given up: another one may be heard.
    static let end: UInt64 = 60_000_000_000

    package private(set) var since: UInt64?
    private var lastQuestion: UInt64 = 0

    package init() {}

    /// A question was not answered in time.
    package mutating func begin(now: UInt64) {
        since = since ?? now
        lastQuestion = now
    }

    /// Anything at all came.
    package mutating func heard() { since = nil }

    /// Whether it is time to ask again; if so, it is asked.
    package mutating func isQuestionDue(now: UInt64) -> Bool {
        guard since != nil, now >= lastQuestion + Self.interval else { return false }
        lastQuestion = now
        return true
    }

    package func isHopeless(now: UInt64) -> Bool { since.map { now >= $0 + Self.end } ?? false }
}
