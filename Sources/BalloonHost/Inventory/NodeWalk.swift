/// How many pages of each domain lie on each physical node, as Xen counted them once (debug key u).
public struct NodeWalk: Equatable, Sendable {
    /// The pages of each domain, by physical node.
    public var pages: [UInt16: [Int: Frames]] = [:]
    /// How long the count took. During it Xen locks the memory of one domain after the other.
    public var cost: Interval = .zero

    /// - Parameter text: from Xen's console: "dN (total: M):" or, until 4.17, "Domain N (total: M):", followed by "Node
    ///   P: M".
    public init(parsing text: String, cost: Interval = .zero) {
        self.cost = cost
        var domain: UInt16?
        for line in text.split(whereSeparator: \.isNewline) {
            guard let words = Self.words(line) else { continue }
            if let id = Self.domain(words) {
                domain = id
                pages[id] = [:]
            } else if let id = domain, words.count == 3, words[0] == "Node", words[1].hasSuffix(":"),
                let node = decimalNumber(Array(words[1].dropLast().utf8)), node < 4096,
                let count = decimalNumber(Array(words[2].utf8))
            {
                pages[id]?[Int(node)] = Frames(count)
            }
        }
    }

    /// The words of a line that Xen itself printed. Lines that guests print on this console have another prefix. A time
    /// may follow the prefix.
    private static func words(_ line: Substring) -> [Substring]? {
        guard line.hasPrefix("(XEN) ") else { return nil }
        let words = line.dropFirst(6).split(separator: " ")
        guard let first = words.first, first.hasPrefix("["), let end = words.firstIndex(where: { $0.hasSuffix("]") })
        else { return words }
        return Array(words[(end + 1)...])
    }

    private static func domain(_ words: [Substring]) -> UInt16? {
        guard let total = words.firstIndex(of: "(total:"), total > 0, total + 2 == words.count,
            words[total + 1].hasSuffix("):")
        else { return nil }
        let name = words[total - 1]
        let digits = name.hasPrefix("d") ? name.dropFirst() : total == 2 && words[0] == "Domain" ? name : ""
        return decimalNumber(Array(digits.utf8)).flatMap { UInt16(exactly: $0) }
    }
}
