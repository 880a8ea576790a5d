/// Writes JSON with the keys in the order of the calls.
public struct JSONWriter {
    public private(set) var text = ""
    private var needsComma = false

    public init() {}

    public mutating func object(_ body: (inout JSONWriter) -> Void) { nested("{", "}", body) }

    public mutating func array<T>(_ elements: [T], _ body: (inout JSONWriter, T) -> Void) {
        nested("[", "]") { writer in for element in elements { body(&writer, element) } }
    }

    public mutating func key(_ key: String) {
        string(key)
        text += ":"
        needsComma = false
    }

    public mutating func member(_ name: String, _ value: String?) {
        key(name)
        if let value { string(value) } else { raw("null") }
    }

    public mutating func member(_ name: String, _ value: Bool?) {
        key(name)
        raw(value.map { $0 ? "true" : "false" } ?? "null")
    }

    public mutating func member<T: BinaryInteger>(_ name: String, _ value: T?) {
        key(name)
        raw(value?.description ?? "null")
    }

    // These take the key from a type that is also read by Decodable, so that its names stand in one place.

    public mutating func key(_ key: some CodingKey) { self.key(key.stringValue) }

    public mutating func member(_ key: some CodingKey, _ value: String?) { member(key.stringValue, value) }

    public mutating func member(_ key: some CodingKey, _ value: Bool?) { member(key.stringValue, value) }

    public mutating func member<T: BinaryInteger>(_ key: some CodingKey, _ value: T?) { member(key.stringValue, value) }

    /// The number; the key names the unit.
    public mutating func member<T: Quantity>(_ name: String, _ value: T?) { member(name, value?.count) }

    public mutating func member<T: Quantity>(_ key: some CodingKey, _ value: T?) { member(key.stringValue, value) }

    /// An element of an array.
    public mutating func value(_ text: String) { string(text) }

    public mutating func value<T: BinaryInteger>(_ number: T) { raw(number.description) }

    public mutating func value<T: Quantity>(_ quantity: T) { raw(quantity.count.description) }

    private mutating func nested(_ open: String, _ close: String, _ body: (inout JSONWriter) -> Void) {
        comma()
        text += open
        needsComma = false
        body(&self)
        text += close
        needsComma = true
    }

    private mutating func string(_ value: String) {
        comma()
        text += "\""
        // Nearly all texts are plain, and there are many.
        if value.utf8.allSatisfy(Self.isPlain) { text += value } else { escaped(value) }
        text += "\""
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7f && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private mutating func escaped(_ value: String) {
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: text.unicodeScalars.append(scalar)
            }
        }
    }

    private mutating func raw(_ value: String) {
        comma()
        text += value
    }

    private mutating func comma() {
        if needsComma { text += "," }
        needsComma = true
    }
}
