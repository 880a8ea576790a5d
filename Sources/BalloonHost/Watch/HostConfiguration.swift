public import BalloonCore
internal import Glibc

/// The settings of `balloonctl host watch`: lines of `key = value`, `#` begins a comment.
public struct HostConfiguration: Equatable, Sendable {
    public static let standardPath = "/etc/vnode-balloon-host.conf"
    public static let logLevels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]

    public var policy = HostKeeper.Policy()
    public var logLevel = "notice"

    public init() {}

    /// A file that is not there says nothing.
    /// - Throws: `.invalidConfiguration` with all that is wrong, a line each.
    public init(path: String) throws(BalloonError) {
        var bytes: [UInt8] = []
        do throws(BalloonError) { bytes = try readFile(path, limit: 64 << 10) } catch {
            if error.errno != ENOENT {
                throw BalloonError(.invalidConfiguration, "cannot read the configuration \(path)", errno: error.errno)
            }
        }
        try self.init(parsing: bytes, name: path)
    }

    public init(parsing bytes: [UInt8], name: String) throws(BalloonError) {
        var faults: [String] = []
        var seen: Set<String> = []
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let content = Self.trimmed(line.prefix { $0 != UInt8(ascii: "#") })
            if content.isEmpty { continue }
            if let fault = take(content, &seen) { faults.append("\(name), line \(index + 1): \(fault)") }
        }
        if !faults.isEmpty { throw BalloonError(.invalidConfiguration, faults.joined(separator: "\n")) }
    }

    private mutating func take(_ content: ArraySlice<UInt8>, _ seen: inout Set<String>) -> String? {
        guard content.allSatisfy({ $0 == UInt8(ascii: "\t") || (0x20...0x7e).contains($0) }) else {
            return "a character that is not plain ASCII"
        }
        guard let equals = content.firstIndex(of: UInt8(ascii: "=")) else { return "not of the form key = value" }
        let key = String(decoding: Self.trimmed(content[..<equals]), as: UTF8.self)
        let value = String(decoding: Self.trimmed(content[(equals + 1)...]), as: UTF8.self)
        guard seen.insert(key).inserted else { return "\(key) stands there twice" }
        return set(key, value)
    }

    /// Sets one key; says what is wrong with it, if anything is.
    public mutating func set(_ key: String, _ value: String) -> String? {
        switch key {
        case "memory-target":
            guard let mode = LegacyMode(rawValue: value) else { return "memory-target must be auto, remove or keep" }
            policy.legacy = mode
        case "on-legacy-write":
            guard ["revert", "tell"].contains(value) else { return "on-legacy-write must be revert or tell" }
            policy.isReverting = value == "revert"
        case "balance":
            guard ["yes", "no"].contains(value) else { return "balance must be yes or no" }
            policy.isBalancing = value == "yes"
        case "log-level":
            guard Self.logLevels.contains(value) else {
                return "log-level must be one of \(Self.logLevels.joined(separator: ", "))"
            }
            logLevel = value
        default: return "unknown key \(key)"
        }
        return nil
    }

    private static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let blanks: [UInt8] = [UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r")]
        let start = text.drop { blanks.contains($0) }
        guard let last = start.lastIndex(where: { !blanks.contains($0) }) else { return [] }
        return start[...last]
    }
}
