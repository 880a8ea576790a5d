// What a holder is asked, and what it answers. A message is one line, so that a stream can be told from one that is out of
// step: a request has a number, and the answer repeats it.

/// What a client asks for.
package enum HolderRequest: Equatable, Sendable {
    /// The first request on each connection.
    case hello
    /// Comes with the descriptor.
    case keep(String)
    case drop(String)
    /// Is answered with the descriptor.
    case get(String)
    /// Names that begin so, in order, from behind one of them on; in pages.
    case names(prefix: String, after: String?)
    /// The holder is to end, if it keeps nothing.
    case end
}

/// What a holder answers.
package enum HolderAnswer: Equatable, Sendable {
    /// It talks as we do. The token is another one for each holder process.
    case hello(token: UInt64)
    case done
    /// Comes with the descriptor.
    case here
    /// Nothing is kept under that name.
    case nothing
    /// A page of names; whether there are more.
    case names([String], isMore: Bool)
    case refused(Refusal)

    package enum Refusal: String, Sendable {
        /// It may open no more files.
        case descriptors
        /// A request that makes no sense.
        case request
        /// It still keeps something.
        case busy
    }
}

/// Lines and their limits.
package enum HolderMessage {
    /// The protocol of this file. The first one had no numbers.
    static let version = 2
    /// The longest name; the longest request; the longest answer.
    package static let longestName = 63
    static let longestRequest = 192
    static let longestAnswer = 1024

    /// Names stand in lines between spaces, and in the service manager's labels before a `#`.
    static func isName(_ text: some StringProtocol) -> Bool {
        (1...longestName).contains(text.utf8.count) && text.utf8.allSatisfy(isNameByte)
    }

    /// What a name may begin with.
    package static let firstBytes = (0...127).filter { isNameByte($0) }.map { String(UnicodeScalar($0)) }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    // MARK: Requests

    package static func line(_ number: UInt64, _ request: HolderRequest) -> String {
        let words =
            switch request {
            case .hello: "hello \(version)"
            case .keep(let name): "keep \(name)"
            case .drop(let name): "drop \(name)"
            case .get(let name): "get \(name)"
            case .names(let prefix, let after): "names \(prefix)" + (after.map { " \($0)" } ?? "")
            case .end: "end"
            }
        return "\(number) \(words)\n"
    }

    /// nil: not one whole line, or not one that makes sense.
    package static func request(_ text: String) -> (number: UInt64, request: HolderRequest)? {
        guard let (number, words) = numbered(text, longest: longestRequest), words.dropFirst().allSatisfy(isName) else {
            return nil
        }
        let name = words.count > 1 ? String(words[1]) : ""
        switch (words[0], words.count) {
        case ("hello", 2): return UInt64(name) == UInt64(version) ? (number, .hello) : nil
        case ("keep", 2): return (number, .keep(name))
        case ("drop", 2): return (number, .drop(name))
        case ("get", 2): return (number, .get(name))
        case ("names", 2): return (number, .names(prefix: name, after: nil))
        case ("names", 3): return (number, .names(prefix: name, after: String(words[2])))
        case ("end", 1): return (number, .end)
        default: return nil
        }
    }

    // MARK: Answers

    package static func line(_ number: UInt64, _ answer: HolderAnswer) -> String {
        let words =
            switch answer {
            case .hello(let token): "hello \(token)"
            case .done: "done"
            case .here: "here"
            case .nothing: "nothing"
            case .names(let names, let isMore): ([isMore ? "more" : "names"] + names).joined(separator: " ")
            case .refused(let why): "refused \(why.rawValue)"
            }
        return "\(number) \(words)\n"
    }

    /// nil: not one whole line, or not one that makes sense.
    package static func answer(_ text: String) -> (number: UInt64, answer: HolderAnswer)? {
        guard let (number, words) = numbered(text, longest: longestAnswer) else { return nil }
        let rest = words.dropFirst()
        switch (words[0], rest.count) {
        case ("hello", 1): return rest.first.flatMap { UInt64($0) }.map { (number, .hello(token: $0)) }
        case ("done", 0): return (number, .done)
        case ("here", 0): return (number, .here)
        case ("nothing", 0): return (number, .nothing)
        case ("names", _), ("more", _):
            guard rest.allSatisfy(isName) else { return nil }
            return (number, .names(rest.map(String.init), isMore: words[0] == "more"))
        case ("refused", 1):
            return HolderAnswer.Refusal(rawValue: String(rest[1])).map { (number, .refused($0)) }
        default: return nil
        }
    }

    /// As many of the names, from the first on, as one answer has room for.
    static func page(_ names: [String]) -> HolderAnswer {
        // A number has 20 digits at most.
        var room = longestAnswer - 20 - " names \n".utf8.count
        let page = names.prefix {
            room -= $0.utf8.count + 1
            return room >= 0
        }
        return .names(Array(page), isMore: page.count < names.count)
    }

    private static func numbered(_ text: String, longest: Int) -> (UInt64, [Substring])? {
        guard text.utf8.count <= longest, text.last == "\n" else { return nil }
        let words = text.dropLast().split(separator: " ", omittingEmptySubsequences: false)
        // A second line, or another control character, is in no word that makes sense.
        guard words.count > 1, let number = UInt64(words[0]) else { return nil }
        return (number, Array(words.dropFirst()))
    }
}

/// What came along with a message.
package enum AttachedDescriptor {
    case none
    case this(FileDescriptor)
    /// There was one, and this process may open no more files.
    case noRoom
}
