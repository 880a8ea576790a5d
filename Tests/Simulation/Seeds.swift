import Glibc

/// The seeds of a test's random cases.
///
/// A test plays the same cases each time, so that a change is judged by its effect. The first seed comes from the
/// test's name. With FRESH=1 in the environment the cases are new ones. With SEED=0x... the test plays that case alone.
public enum Seeds {
    /// The seed of the only case to play; nil: there is none.
    public static var replayed: UInt64? { number("SEED") }

    public static func first(of name: String) -> UInt64 {
        if let replayed { return replayed }
        return number("FRESH") == nil ? stable(name) : UInt64.random(in: .min ... .max)
    }

    /// FNV-1a: the same in every process, unlike a hash value of Swift's.
    private static func stable(_ name: String) -> UInt64 {
        name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// A number in the environment. With 0x in front it is hexadecimal.
    public static func number(_ name: String) -> UInt64? {
        // Unsafe: C's text is copied at once, and this process never changes its environment.
        guard let text = unsafe getenv(name) else { return nil }
        return number(text: unsafe String(cString: text))
    }

    public static func number(text: String) -> UInt64? {
        text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
    }

    public static func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
}
