package import BalloonCore

/// How long xenstore has not answered. While it is silent no call waits for it; a small question now and then tells when it
/// is back.
package struct StoreSilence: Equatable, Sendable {
    /// An answer that takes longer is not waited for.
    package static let patience: Interval = .seconds(2)
    /// How often a small question is sent. The first one's answer may be lost, while later ones would be answered.
    static let interval: Interval = .seconds(10)
    /// After this time the connection is given up: a new one may be answered.
    static let end: Interval = .seconds(60)

    package private(set) var since: Moment?
    private var lastQuestion: Moment = .zero

    package init() {}

    /// A question was not answered in time.
    package mutating func begin(now: Moment) {
        since = since ?? now
        lastQuestion = now
    }

    /// The other end sent something.
    package mutating func heard() { since = nil }

    /// Whether it is time to ask again; if so, it is asked.
    package mutating func isQuestionDue(now: Moment) -> Bool {
        guard since != nil, now >= lastQuestion + Self.interval else { return false }
        lastQuestion = now
        return true
    }

    package func isHopeless(now: Moment) -> Bool { since.map { now >= $0 + Self.end } ?? false }
}
