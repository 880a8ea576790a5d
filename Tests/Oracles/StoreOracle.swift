import VNodeBalloon

/// What xenstored sends, however it is cut into pieces. All messages that the bytes contain come out, and no others. A
/// malformed message ends the conversation. Each answer reaches its question, once. There are as many events as came,
/// or as there are watches.
enum StoreOracle {
    static func examine(_ bytes: [UInt8]) throws {
        let (wanted, isBroken) = messages(bytes)
        for piece in [bytes.count, 1, 7, 16, 100] where piece > 0 {
            try demand(try decoded(bytes, piece) == (wanted, isBroken), "in pieces of \(piece)")
        }
        for message in wanted {
            try demand(decodedAlone(message) == message, "\(message) became something else")
        }
        try converse(bytes, wanted)
    }

    /// A second decoder, by the description of the header, word by word.
    private static func messages(_ bytes: [UInt8]) -> ([StoreMessage], isBroken: Bool) {
        var (reader, rest, found) = (ByteReader(bytes), bytes.count, [StoreMessage]())
        while rest >= 16 {
            let words = (0..<4).map { _ in reader.number(UInt32.self) }
            if words[3] > 4096 { return (found, true) }
            guard rest - 16 >= Int(words[3]) else { break }
            let body = (0..<words[3]).map { _ in reader.number(UInt8.self) }
            found.append(StoreMessage(.init(rawValue: words[0]), request: words[1], transaction: words[2], body))
            rest -= 16 + body.count
        }
        return (found, false)
    }

    private static func decoded(_ bytes: [UInt8], _ piece: Int) throws -> ([StoreMessage], isBroken: Bool) {
        var (decoder, found, rest) = (StoreDecoder(), [StoreMessage](), bytes[...])
        while !rest.isEmpty {
            decoder.take(rest.prefix(piece))
            rest = rest.dropFirst(piece)
            do throws(BalloonError) {
                while let message = try decoder.next() { found.append(message) }
            } catch {
                return (found, true)
            }
        }
        return (found, false)
    }

    private static func decodedAlone(_ message: StoreMessage) -> StoreMessage? {
        var decoder = StoreDecoder()
        decoder.take(message.bytes)
        return try? decoder.next()
    }

    /// Questions 1 to 4 are open. The third one was given up.
    private static func converse(_ bytes: [UInt8], _ wanted: [StoreMessage]) throws {
        var dialogue = StoreDialogue()
        let kinds: [StoreMessage.Kind] = [.read, .write, .begin, .watch]
        for kind in kinds { _ = try dialogue.ask(kind, [0]) }
        dialogue.giveUp(3)
        dialogue.noteWatch("memory")
        let isSound: Bool
        do throws(BalloonError) {
            try dialogue.take(bytes)
            isSound = true
        } catch {
            isSound = false
        }
        for number in UInt32(1)...5 {
            let answer = dialogue.answer(to: number)
            try demand(dialogue.answer(to: number) == nil, "an answer was given twice")
            guard let answer else { continue }
            try demand(wanted.contains(answer), "an answer that did not come")
            try demand(number <= 4 && number != 3, "an answer to \(number), which nobody waits for")
            try demand(answer.kind == kinds[Int(number) - 1] || answer.kind == .error, "an answer of another kind")
            try demand(answer.request == number || answer.request == 0 && number == 4, "another's answer")
        }
        try demand(dialogue.takeOrphans().allSatisfy { $0 != 0 }, "a transaction without a number")
        var events = 0
        while dialogue.nextEvent() != nil { events += 1 }
        let all = wanted.count { $0.kind == .event }
        try demand(isSound ? events == all || events == 1 : events <= all, "\(events) events of \(all)")
        if isSound { try demand(dialogue.heard == wanted.count, "\(dialogue.heard) of \(wanted.count) messages") }
    }
}
