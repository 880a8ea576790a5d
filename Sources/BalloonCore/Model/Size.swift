/// A size as people write it: a whole number with k, m, g or t in either case, binary; a bare number is KiB.
public struct Size: Equatable, Sendable {
    public let kib: KiB

    /// The form that ``init(_:)`` accepts, in words.
    public static let form = "a whole number with k, m, g or t (binary); a bare number is KiB"

    public init(_ kib: KiB) { self.kib = kib }

    /// nil for anything else, fractions and signs included.
    public init?(_ text: String) {
        var digits = Array(text.utf8)
        var shift: UInt64 = 0
        switch digits.last {
        case UInt8(ascii: "k"), UInt8(ascii: "K"): shift = 0
        case UInt8(ascii: "m"), UInt8(ascii: "M"): shift = 10
        case UInt8(ascii: "g"), UInt8(ascii: "G"): shift = 20
        case UInt8(ascii: "t"), UInt8(ascii: "T"): shift = 30
        default: digits.append(0)
        }
        digits.removeLast()
        guard let number = decimalNumber(digits), number <= UInt64.max >> (shift + 10) else { return nil }
        kib = KiB(number << shift)
    }

    /// "64 MiB", or KiB where it is not a whole number of MiB.
    public static func text(_ size: KiB) -> String { isWhole(size) ? "\(size.wholeMiB) MiB" : "\(size) KiB" }

    /// Always in MiB, so that sizes in a table can be compared. A size that is no whole number of MiB gets one decimal.
    public static func mib(_ size: KiB) -> String {
        if isWhole(size) { return "\(size.wholeMiB) MiB" }
        // Rounded down: rounding up could show a whole number that the size is not.
        return "\(size.wholeMiB).\(size.count % 1024 * 10 / 1024) MiB"
    }

    /// ``mib(_:)`` as one word: 64M, 1024.9M. A whole number is a size that ``init(_:)`` takes.
    public static func short(_ size: KiB) -> String {
        size == .zero ? "0" : String(mib(size).dropLast(" MiB".count)) + "M"
    }

    /// All digits of the size in bytes, for programs that compute, even where the number does not fit into 64 bits.
    public static func bytes(_ size: KiB) -> String { "\(UInt128(size.count) * 1024)" }

    /// ``text(_:)`` of a size that may not be known.
    public static func text(known size: KiB?) -> String { size.map { text($0) } ?? "not known" }

    private static func isWhole(_ size: KiB) -> Bool { size.count % 1024 == 0 }
}
