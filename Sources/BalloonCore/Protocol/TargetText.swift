/// The text that a toolstack wrote as a vnode's target: untrusted bytes until they are parsed here.
public struct TargetText: Equatable, Sendable {
    /// Longer texts are refused without being parsed.
    public static let longest = 20

    private let untrusted: [UInt8]

    public init(untrusted: [UInt8]) { self.untrusted = untrusted }

    /// The size, a number of KiB: decimal digits only, no sign, no space, no overflow; nil for anything else.
    public var size: KiB? { decimalNumber(untrusted).map { KiB($0) } }

    /// The text in quotation marks, safe to print in a log. Bytes that are not printable ASCII become \\xNN, and only
    /// the beginning is shown.
    public var printable: String {
        var text = "\""
        for byte in untrusted.prefix(2 * Self.longest) {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += "\\" + String(UnicodeScalar(byte))
            case 0x20...0x7e: text += String(UnicodeScalar(byte))
            default: text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return text + "\"" + (untrusted.count > 2 * Self.longest ? "..." : "")
    }

    /// The text that is written back to acknowledge the target that was read. A text with odd characters is not written
    /// back.
    public var acknowledgement: String {
        let isPlain = untrusted.allSatisfy { (0x20...0x7e).contains($0) }
        guard !untrusted.isEmpty, untrusted.count <= Self.longest, isPlain else { return "invalid" }
        return String(decoding: untrusted, as: UTF8.self)
    }
}
