import VNodeBalloon

/// A second parser of the control socket's requests, as a table.
enum RequestReference {
    /// The request that a line contains.
    struct Meaning {
        /// The first word. The numbers follow, with one blank before each.
        var name: String
        var numbers: [UInt64]

        var line: String { ([name] + numbers.map { "\($0)" }).joined(separator: " ") }
    }

    private static let any = UInt64(Int.max)
    private static let highestSlot: UInt64 = (1 << 32) - 1
    /// The largest number that each request may have in each place.
    private static let limits: [String: [UInt64]] = [
        "status": [], "slots": [], "counters": [], "release-all": [], "force-all": [any], "release": [any],
        "force": [any, any],
        "audit": [any, highestSlot, 64, 1], "repair": [any, highestSlot, 64], "recover": [any],
    ]

    /// Parses a line; nil: it is no request.
    static func meaning(_ line: String) -> Meaning? {
        let words = line.utf8.split(separator: 32)
        guard let name = words.first.map({ String(decoding: $0, as: UTF8.self) }), let limits = limits[name],
            limits.count == words.count - 1
        else { return nil }
        var numbers: [UInt64] = []
        for (word, limit) in zip(words.dropFirst(), limits) {
            guard let number = PlainNumber.read(Array(word)), number <= UInt128(limit) else { return nil }
            numbers.append(UInt64(number))
        }
        return Meaning(name: name, numbers: numbers)
    }

    /// Changes the forced sizes as a request must. Returns false if the request must be refused.
    static func apply(_ meaning: Meaning, _ forced: inout [Int: KiB], vnodes: [VNode]) -> Bool {
        let numbers = meaning.numbers
        let named = vnodes.filter { meaning.name.hasSuffix("-all") || numbers.first == UInt64($0.number) }
        let size = numbers.last.map { KiB($0) }
        switch meaning.name {
        case "force", "force-all":
            guard !named.isEmpty, let size, named.allSatisfy({ size <= $0.size }) else { return false }
            for vnode in named { forced[vnode.number] = size }
        case "release", "release-all":
            for vnode in named { forced[vnode.number] = nil }
            return !named.isEmpty
        case "recover": return !named.isEmpty
        default: break
        }
        return true
    }
}
