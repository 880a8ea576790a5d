/// The kernel's measure of memory pressure, for the whole machine (/proc/pressure/memory).
package enum MemoryPressure {
    /// The part of the last ten seconds in which some task waited for memory, in thousandths; nil: not measured.
    package static func waitedPermille() -> UInt64? {
        (try? readFile("/proc/pressure/memory", limit: 4096)).flatMap {
            waitedPermille(String(decoding: $0, as: UTF8.self))
        }
    }

    /// Parses "some avg10=1.23 avg60=...": 12.
    package static func waitedPermille(_ text: String) -> UInt64? {
        guard let line = text.split(separator: "\n").first, line.hasPrefix("some ") else { return nil }
        guard let word = line.split(separator: " ").first(where: { $0.hasPrefix("avg10=") }) else { return nil }
        let parts = word.dropFirst(6).split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let whole = UInt64(parts[0]), whole <= 100, let tenth = parts[1].first?.wholeNumberValue
        else { return nil }
        return whole * 10 + UInt64(tenth)
    }

    /// Whether the kernel measures pressure at all.
    package static var isMeasured: Bool { (try? readFile("/proc/pressure/memory", limit: 4096)) != nil }
}
