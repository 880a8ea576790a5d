/// Parses lines of `key = value`; `#` begins a comment.
enum ConfigurationText {
    /// Passes each key and its value to `set`, which returns an error or nil.
    /// - Returns: all errors, one a line.
    static func take(_ bytes: [UInt8], name: String, _ set: (String, String) -> String?) -> [String] {
        var faults: [String] = []
        var seen: Set<String> = []
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let content = trimmed(line.prefix { $0 != UInt8(ascii: "#") })
            if content.isEmpty { continue }
            if let fault = take(content, &seen, set) { faults.append("\(name), line \(index + 1): \(fault)") }
        }
        return faults
    }

    private static func take(
        _ content: ArraySlice<UInt8>, _ seen: inout Set<String>, _ set: (String, String) -> String?
    ) -> String? {
        guard content.allSatisfy({ $0 == UInt8(ascii: "\t") || (0x20...0x7e).contains($0) }) else {
            return "a character that is not plain ASCII"
        }
        guard let equals = content.firstIndex(of: UInt8(ascii: "=")) else { return "not of the form key = value" }
        let key = String(decoding: trimmed(content[..<equals]), as: UTF8.self)
        let value = String(decoding: trimmed(content[(equals + 1)...]), as: UTF8.self)
        guard seen.insert(key).inserted else { return "\(key) stands there twice" }
        return set(key, value)
    }

    private static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let blanks: [UInt8] = [UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r")]
        let start = text.drop { blanks.contains($0) }
        guard let last = start.lastIndex(where: { !blanks.contains($0) }) else { return [] }
        return start[...last]
    }
}
