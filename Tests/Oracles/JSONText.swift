/// A strict check whether bytes are JSON (RFC 8259).
enum JSONText {
    /// Whether the text is one object with nothing before or after it.
    static func isObject<T: Collection<UInt8>>(_ text: T) -> Bool {
        var reader = Reader(rest: Array(text)[...])
        return reader.rest.first == UInt8(ascii: "{") && reader.value(depth: 0) && reader.rest.isEmpty
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func take(_ text: StaticString) -> Bool {
            let wanted = "\(text)".utf8
            guard rest.starts(with: wanted) else { return false }
            rest = rest.dropFirst(wanted.count)
            return true
        }

        mutating func value(depth: Int) -> Bool {
            guard depth < 16 else { return false }
            switch rest.first {
            case UInt8(ascii: "{"): return list("{", "}") { $0.string() && $0.take(":") && $0.value(depth: depth + 1) }
            case UInt8(ascii: "["): return list("[", "]") { $0.value(depth: depth + 1) }
            case UInt8(ascii: "\""): return string()
            case UInt8(ascii: "t"): return take("true")
            case UInt8(ascii: "f"): return take("false")
            case UInt8(ascii: "n"): return take("null")
            default: return number()
            }
        }

        private mutating func list(
            _ open: StaticString, _ close: StaticString, _ element: (inout Reader) -> Bool
        ) -> Bool {
            guard take(open) else { return false }
            if take(close) { return true }
            repeat { if !element(&self) { return false } } while take(",")
            return take(close)
        }

        /// Only whole numbers: the product writes no others.
        private mutating func number() -> Bool {
            _ = take("-")
            let digits = rest.prefix { (48...57).contains($0) }
            rest = rest.dropFirst(digits.count)
            return !digits.isEmpty && (digits.count == 1 || digits.first != 48)
        }

        private mutating func string() -> Bool {
            guard take("\"") else { return false }
            guard String(validating: rest, as: UTF8.self) != nil else { return false }
            while let byte = rest.popFirst() {
                switch byte {
                case UInt8(ascii: "\""): return true
                case UInt8(ascii: "\\"):
                    guard let escaped = rest.popFirst() else { return false }
                    if escaped == UInt8(ascii: "u") {
                        let digits = rest.prefix(4).allSatisfy {
                            UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0
                        }
                        guard rest.count >= 4, digits else { return false }
                        rest = rest.dropFirst(4)
                    } else if !"\"\\/bfnrt".utf8.contains(escaped) {
                        return false
                    }
                case 0..<32: return false
                default: break
                }
            }
            return false
        }
    }
}
