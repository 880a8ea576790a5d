/// A size as people write it: a whole number with k, m, g or t in either case, binary; a bare number is KiB.
public struct Size: Equatable, Sendable {
    public let kib: UInt64

    /// What ``init(_:)`` takes, in words.
    public static let form = "a whole number with k, m, g or t (binary); a bare number is KiB"

    public init(kib: UInt64) { self.kib = kib }

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
        kib = number << shift
    }

    /// "64 MiB", or KiB where it is not a whole number of MiB.
    public static func text(kib: UInt64) -> String { kib % 1024 == 0 ? "\(kib / 1024) MiB" : "\(kib) KiB" }

    /// Always in MiB, so that sizes side by side compare; with a digit behind the point where it is not a whole number.
    public static func mib(kib: UInt64) -> String {
        if kib % 1024 == 0 { return "\(kib / 1024) MiB" }
        // Not rounded up to a whole number that it is not.
        return "\(kib / 1024).\(kib % 1024 * 10 / 1024) MiB"
    }

    /// ``mib(kib:)`` as one word: 64M, 1024.9M. A whole number is a size that ``init(_:)`` takes.
    public static func short(kib: UInt64) -> String {
        kib == 0 ? "0" : String(mib(kib: kib).dropLast(" MiB".count)) + "M"
    }

    /// For programs that reckon: all digits of it, even where so many bytes do not fit into 64 bits.
    public static func bytes(kib: UInt64) -> String {
        "\(UInt128(kib) * 1024)"
    }

    /// The same of a size that may not be known.
    public static func text(known kib: UInt64?) -> String { kib.map { text(kib: $0) } ?? "not known" }

    /// The same of sizes that have their type.
    public static func text(_ size: KiB) -> String { text(kib: size.count) }
    public static func text(known size: KiB?) -> String { text(known: size?.count) }
}
