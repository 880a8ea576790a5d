import Glibc
import Simulation
import Testing

@testable import BalloonCore
@testable import BalloonSystem
@testable import VNodeBalloon

/// A value behind a reference, since #expect cannot call a mutating function.
private final class Box<Value> {
    var value: Value

    init(_ value: Value) { self.value = value }

    func with<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result { try body(&value) }
}

extension Box<StoreDialogue> {
    func ask(_ kind: StoreMessage.Kind, in transaction: UInt32 = 0, _ body: [UInt8]) throws -> (
        number: UInt32, bytes: [UInt8]
    ) { try value.ask(kind, in: transaction, body) }
    func take(_ bytes: [UInt8]) throws { try value.take(bytes) }
    func answer(to number: UInt32) -> StoreMessage? { value.answer(to: number) }
    func takeOrphans() -> [UInt32] { value.takeOrphans() }
    func nextEvent() -> String? { value.nextEvent() }
}

/// Xenstore's protocol without a xenstore: messages in any pieces, answers that no question asked for, and more
/// events than can be kept.
@Suite struct StoreDialogueTests {
    static func random(_ random: inout SeededGenerator, longest: Int = 40) -> StoreMessage {
        let body = (0..<random.number(0...longest)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        return StoreMessage(
            .init(rawValue: UInt32(truncatingIfNeeded: random.next())),
            request: UInt32(truncatingIfNeeded: random.next()),
            transaction: UInt32(truncatingIfNeeded: random.next()), body)
    }

    @Test func `messages cut into any pieces come out as they went in`() {
        property("messages in pieces", cases: 500) { random in
            let messages = (0..<random.number(0...8)).map { _ in
                Self.random(&random, longest: random.pick([0, 3, 40, StoreMessage.longestBody]))
            }
            var stream = messages.flatMap(\.bytes)[...]
            var (decoder, taken) = (StoreDecoder(), [StoreMessage]())
            while !stream.isEmpty {
                let piece = stream.prefix(random.pick([1, 15, 16, 17, 100, 5000]))
                stream = stream.dropFirst(piece.count)
                decoder.take(piece)
                while let message = try decoder.next() { taken.append(message) }
            }
            try demand(taken == messages, "\(taken) and not \(messages)")
        }
    }

    @Test func `a message of more than 4096 bytes is refused`() throws {
        var message = StoreMessage(.read, request: 1, [UInt8](repeating: 65, count: 4096))
        let decoder = Box(StoreDecoder())
        decoder.value.take(message.bytes)
        #expect(try decoder.with { try $0.next() } == message)
        message.body.append(65)
        decoder.value.take(message.bytes)
        #expect(throws: BalloonError.self) { try decoder.value.next() }
    }

    @Test func `an answer is matched to its question by number, and events are kept apart`() throws {
        let dialogue = Box(StoreDialogue())
        let (first, bytes) = try dialogue.ask(.read, in: 5, StoreMessage.texts("domid"))
        #expect(bytes == StoreMessage(.read, request: first, transaction: 5, Array("domid\0".utf8)).bytes)
        #expect(dialogue.answer(to: first) == nil)
        let answer = StoreMessage(.read, request: first, transaction: 5, [49])
        try dialogue.take(StoreMessage(.event, StoreMessage.texts("memory/target", "memory")).bytes + answer.bytes)
        #expect(dialogue.answer(to: first) == answer && dialogue.answer(to: first) == nil)
        #expect(dialogue.value.hasEvents && dialogue.nextEvent() == "memory/target" && dialogue.nextEvent() == nil)
    }

    /// Linux's device takes at most 4096 bytes, including the header.
    @Test func `a question of more than 4096 bytes with its header is refused with E2BIG`() throws {
        let dialogue = Box(StoreDialogue())
        #expect(try dialogue.ask(.write, [UInt8](repeating: 65, count: 4080)).bytes.count == 4096)
        #expect { try dialogue.ask(.write, [UInt8](repeating: 65, count: 4081)) } throws: {
            ($0 as? BalloonError)?.errno == E2BIG
        }
    }

    @Test func `an answer that no question asked for is refused`() throws {
        let dialogue = Box(StoreDialogue())
        let (number, _) = try dialogue.ask(.read, [0])
        try dialogue.take(StoreMessage(.read, request: number).bytes)
        // A second answer to the question, an answer to no question, one of another kind, and
        // an event that is malformed.
        let (another, _) = try dialogue.ask(.read, [0])
        let wrong = [
            StoreMessage(.read, request: number), StoreMessage(.read, request: 99), StoreMessage(.read, request: 0),
            StoreMessage(.write, request: another), StoreMessage(.init(rawValue: 77), request: another),
            StoreMessage(.event), StoreMessage(.event, StoreMessage.texts("memory")),
        ]
        for message in wrong {
            var copy = dialogue.value
            #expect(throws: BalloonError.self, "\(message)") { try copy.take(message.bytes) }
        }
        try dialogue.take(StoreMessage(.error, request: another, StoreMessage.texts("ENOENT")).bytes)
        #expect(dialogue.answer(to: another)?.kind == .error)
    }

    /// The answer must not be taken for the answer to another question.
    @Test func `a late answer is dropped, and a transaction that it begins is ended`() throws {
        let dialogue = Box(StoreDialogue())
        let (late, _) = try dialogue.ask(.read, [0])
        let (begun, _) = try dialogue.ask(.begin, [0])
        dialogue.value.giveUp(late)
        dialogue.value.giveUp(begun)
        let (next, _) = try dialogue.ask(.read, [0])
        try dialogue.take(
            StoreMessage(.read, request: late, [1]).bytes
                + StoreMessage(.begin, request: begun, Array("77\0".utf8)).bytes)
        #expect(dialogue.answer(to: late) == nil && dialogue.answer(to: next) == nil)
        #expect(dialogue.takeOrphans() == [77] && dialogue.takeOrphans() == [])
        try dialogue.take(StoreMessage(.read, request: next, [2]).bytes)
        #expect(dialogue.answer(to: next)?.body == [2])
        #expect(throws: BalloonError.self, "a second answer") {
            try dialogue.take(StoreMessage(.read, request: late).bytes)
        }
    }

    /// Linux answers a watch by itself, and some kernels do so without the question's number.
    @Test func `a watch's answer without the question's number is accepted`() throws {
        let dialogue = Box(StoreDialogue())
        let (watch, _) = try dialogue.ask(.watch, StoreMessage.texts("memory", "memory"))
        try dialogue.take(StoreMessage(.watch, request: 0, StoreMessage.texts("OK")).bytes)
        #expect(dialogue.answer(to: watch)?.kind == .watch)
    }

    /// One event for each watch then says that anything below it may have changed.
    @Test(arguments: [1, 4000])
    func `more events than can be kept become one event for each watch`(_ length: Int) throws {
        let dialogue = Box(StoreDialogue())
        for path in ["memory", "control", "domid"] { dialogue.value.noteWatch(path) }
        let path = String(repeating: "x", count: length)
        let event = StoreMessage(.event, StoreMessage.texts(path, "memory")).bytes
        var most = 0
        for _ in 0..<StoreDialogue.mostEvents {
            try dialogue.take(event)
            most += 1
            if length * most > StoreDialogue.mostEventBytes { break }
        }
        try dialogue.take(event)
        var taken: [String] = []
        while let event = dialogue.nextEvent() { taken.append(event) }
        #expect(taken.prefix(3) == ["memory", "control", "domid"] && taken.dropFirst(3).allSatisfy { $0 == path })
        #expect(taken.count <= 4)
    }

    @Test func `a transaction's number is 1 to 2^32-1, and any other text is refused`() {
        for (text, number) in [("1\0", 1), ("4294967295\0", .max), ("7", 7)] as [(String, UInt32)] {
            #expect(StoreDialogue.transaction(Array(text.utf8)) == number)
        }
        for text in ["0\0", "\0", "", "4294967296\0", "-1\0", "0x7\0", " 7\0"] {
            #expect(StoreDialogue.transaction(Array(text.utf8)) == nil, "\(text)")
        }
    }

    @Test func `xenstore's errors are known by their names, and an unknown name is EIO`() {
        #expect(StoreErrors.number(Array("EACCES\0".utf8)) == EACCES)
        #expect(StoreErrors.number(Array("EAGAIN".utf8)) == EAGAIN)
        for text in ["", "\0", "EVERYTHING\0", "eacces\0"] { #expect(StoreErrors.number(Array(text.utf8)) == EIO) }
        #expect(StoreErrors.error("no", Array("ENOSPC\0".utf8)).description.contains("quota of the domain's"))
        #expect(StoreErrors.error("no", Array("EACCES\0".utf8)).message == "no")
    }

    @Test func `a silent store is asked every ten seconds, and is hopeless after a minute`() {
        let silence = Box(StoreSilence())
        #expect(
            silence.value.since == nil && !silence.with({ $0.isQuestionDue(now: .at(100)) })
                && !silence.value.isHopeless(now: .never))
        silence.value.begin(now: .at(5))
        #expect(!silence.with({ $0.isQuestionDue(now: .at(14)) }))
        #expect(
            silence.with({ $0.isQuestionDue(now: .at(15)) })
                && !silence.with({ $0.isQuestionDue(now: .at(16)) }))
        #expect(silence.with({ $0.isQuestionDue(now: .at(25)) }))
        silence.value.begin(now: .at(30))
        #expect(silence.value.since == .at(5) && !silence.value.isHopeless(now: .at(64)))
        #expect(silence.value.isHopeless(now: .at(65)))
        silence.value.heard()
        #expect(silence.value.since == nil)
        #expect(!silence.with({ $0.isQuestionDue(now: .at(100)) }) && !silence.value.isHopeless(now: .never))
    }
}
