import Glibc

/// Where the random cases of a test begin.
///
/// A test plays the same cases each time, so that a change is judged by what it changes: their first seed comes from the
/// test's name. With FRESH=1 in the environment they are new ones, with SEED=0x... it is that one alone.
public enum Seeds {
    /// The one case that is to be played.
    public static var replayed: UInt64? { number("SEED") }

    public static func first(of name: String) -> UInt64 {
        if let replayed { return replayed }
        return number("FRESH") == nil ? stable(name) : UInt64.random(in: .min ... .max)
    }

    /// FNV-1a: the same in every process, unlike a hash value of Swift's.
    private static func stable(_ name: String) -> UInt64 {
        name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// A number in the environment, with 0x in front also a hexadecimal one.
    public static func number(_ name: String) -> UInt64? {
        // Unsafe: C's text is copied before anybody could change the environment; nothing here does.
        guard let text = unsafe getenv(name) else { return nil }
        return number(text: unsafe String(cString: text))
    }

    public static func number(text: String) -> UInt64? {
        text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
    }

    public static func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
}
