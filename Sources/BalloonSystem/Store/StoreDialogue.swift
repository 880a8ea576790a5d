internal import BalloonCore
internal import Glibc

/// What was asked of xenstore, what it answered, and the watch events in between. Pure: bytes go in and come out.
///
/// The caller may give a question up. Its answer, which comes later or never, is not taken for the answer to another
/// question.
package struct StoreDialogue {
    private struct Question {
        var kind: StoreMessage.Kind
        var isGivenUp = false
    }

    /// More events than this, or longer ones, and those that wait are forgotten: see ``overflow()``.
    static let mostEvents = 4096
    static let mostEventBytes = 256 << 10

    private var decoder = StoreDecoder()
    private var lastNumber: UInt32 = 0
    private var questions: [UInt32: Question] = [:]
    private var answers: [UInt32: StoreMessage] = [:]
    private var events: [String] = []
    private var nextEventIndex = 0
    private var eventBytes = 0
    private var watched: [String] = []
    /// Transactions that began after the caller had given up waiting: to be ended.
    private var orphans: [UInt32] = []
    /// Messages that came.
    package private(set) var heard = 0

    package init() {}

    // MARK: Asking

    /// A question, as bytes to send.
    /// - Throws: `.store` (E2BIG): it is longer than Linux's device takes, header and all.
    package mutating func ask(
        _ kind: StoreMessage.Kind, in transaction: UInt32 = 0, _ body: [UInt8]
    ) throws(BalloonError) -> (number: UInt32, bytes: [UInt8]) {
        guard StoreMessage.headerBytes + body.count <= StoreMessage.longestBody else {
            throw BalloonError(.store, "too long for xenstore: \(body.count) bytes", errno: E2BIG)
        }
        repeat { lastNumber &+= 1 } while lastNumber == 0 || questions[lastNumber] != nil
        questions[lastNumber] = Question(kind: kind)
        return (lastNumber, StoreMessage(kind, request: lastNumber, transaction: transaction, body).bytes)
    }

    /// The caller does not wait for this answer any more.
    package mutating func giveUp(_ number: UInt32) {
        if answers.removeValue(forKey: number) == nil { questions[number]?.isGivenUp = true }
    }

    /// The question never reached the other end.
    package mutating func withdraw(_ number: UInt32) { questions[number] = nil }

    package mutating func noteWatch(_ path: String) { watched.append(path) }

    /// The watch is gone: after an overflow no event is made up for it.
    package mutating func forgetWatch(_ path: String) {
        if let index = watched.firstIndex(of: path) { watched.remove(at: index) }
    }

    // MARK: Hearing

    /// What came. Answers and events are kept until they are asked for.
    /// - Throws: `.store` (EPROTO): an answer to no question, or something that is no answer. Nothing after it counts.
    package mutating func take(_ bytes: some Collection<UInt8>) throws(BalloonError) {
        decoder.take(bytes)
        while let message = try decoder.next() {
            heard += 1
            if message.kind == .event { try takeEvent(message.body) } else { try takeAnswer(message) }
        }
    }

    private mutating func takeAnswer(_ message: StoreMessage) throws(BalloonError) {
        let number = message.request == 0 ? oldestWatch(message) : message.request
        guard let number, let question = questions.removeValue(forKey: number) else {
            throw .storeMisspoke("an answer to a question that was not asked")
        }
        guard message.kind == question.kind || message.kind == .error else {
            throw .storeMisspoke("an answer of another kind than the question")
        }
        guard question.isGivenUp else {
            answers[number] = message
            return
        }
        if message.kind == .begin, let transaction = Self.transaction(message.body) { orphans.append(transaction) }
    }

    /// Linux answers watches by itself; older kernels without the question's number.
    private func oldestWatch(_ message: StoreMessage) -> UInt32? {
        guard message.kind == .watch || message.kind == .error else { return nil }
        return questions.filter { $0.value.kind == .watch }.keys.min()
    }

    /// The answer to a question, once it is there, and once only.
    package mutating func answer(to number: UInt32) -> StoreMessage? { answers.removeValue(forKey: number) }

    /// The number in the answer to a begun transaction: decimal, never 0.
    package static func transaction(_ body: [UInt8]) -> UInt32? {
        decimalNumber(Array(body.prefix { $0 != 0 })).flatMap { UInt32(exactly: $0) }.flatMap { $0 == 0 ? nil : $0 }
    }

    /// Transactions to end, which no caller waits for.
    package mutating func takeOrphans() -> [UInt32] {
        defer { orphans = [] }
        return orphans
    }

    // MARK: Events

    package var hasEvents: Bool { nextEventIndex < events.count }

    /// The path of the event that came first.
    package mutating func nextEvent() -> String? {
        guard hasEvents else { return nil }
        let event = events[nextEventIndex]
        nextEventIndex += 1
        eventBytes -= event.utf8.count
        if !hasEvents {
            events.removeAll(keepingCapacity: true)
            nextEventIndex = 0
        }
        return event
    }

    /// A path and a token, each with a NUL behind it. More may follow.
    private mutating func takeEvent(_ body: [UInt8]) throws(BalloonError) {
        let texts = body.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
        guard texts.count == 3 else { throw .storeMisspoke("a watch event without a path and a token") }
        let path = String(decoding: texts[0], as: UTF8.self)
        events.append(path)
        eventBytes += path.utf8.count
        if events.count - nextEventIndex > Self.mostEvents || eventBytes > Self.mostEventBytes { overflow() }
    }

    /// An event is a hint. Where there are too many, one for each watch says the same as they all do: read again.
    private mutating func overflow() {
        events = watched
        nextEventIndex = 0
        eventBytes = events.reduce(0) { $0 + $1.utf8.count }
    }
}
