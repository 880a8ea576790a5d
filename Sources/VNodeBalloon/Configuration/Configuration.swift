internal import Glibc

/// The daemon's settings: /etc/vnode-balloon.conf, lines of `key = value`, `#` begins a comment.
public struct Configuration: Equatable, Sendable {
    public static let standardPath = "/etc/vnode-balloon.conf"

    public var stateDirectory = StateDirectory.standardPath
    /// What each node keeps at least, in KiB.
    public var minFreeKiB: UInt64 = 0
    /// What memory pressure may do.
    public enum OnPressure: String, Sendable, Equatable { case hold, yield }
    public var onPressure = OnPressure.hold
    /// What each vnode's memory never goes below, in KiB.
    public var floorKiB: UInt64 = 0
    /// What pressure leaves in each balloon, in KiB.
    public var yieldToKiB: UInt64 = 0
    /// MiB a second; 0: unlimited.
    public var maxRateMiB: UInt64 = 0
    public var logLevel = "notice"

    public static let logLevels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]

    public init() {}

    /// Reads a file; one that is not there says nothing.
    /// - Throws: `.invalidConfiguration` with the line.
    public init(path: String) throws(BalloonError) {
        do throws(BalloonError) {
            try self.init(parsing: try readFile(path, limit: 64 << 10), name: path)
        } catch {
            if error.errno == ENOENT {
                self.init()
                return
            }
            if error.code == .invalidConfiguration { throw error }
            throw BalloonError(.invalidConfiguration, "cannot read the configuration \(path)", errno: error.errno)
        }
    }

    /// - Throws: `.invalidConfiguration` with the line.
    public init(parsing text: String, name: String) throws(BalloonError) {
        try self.init(parsing: Array(text.utf8), name: name)
    }

    /// Byte by byte: what Unicode takes for one character, such as the end of a line in DOS files, would hide what
    /// follows.
    /// - Throws: `.invalidConfiguration` with the line.
    public init(parsing bytes: [UInt8], name: String) throws(BalloonError) {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let content = Self.trimmed(line.prefix { $0 != UInt8(ascii: "#") })
            if content.isEmpty { continue }
            func invalid(_ what: String) -> BalloonError {
                BalloonError(.invalidConfiguration, "\(name), line \(index + 1): \(what)")
            }
            guard content.allSatisfy({ $0 == UInt8(ascii: "\t") || (0x20...0x7e).contains($0) }) else {
                throw invalid("a character that is not plain ASCII")
            }
            guard let equals = content.firstIndex(of: UInt8(ascii: "=")) else {
                throw invalid("not of the form key = value")
            }
            let key = String(decoding: Self.trimmed(content[..<equals]), as: UTF8.self)
            let value = String(decoding: Self.trimmed(content[(equals + 1)...]), as: UTF8.self)
            if let fault = set(key, value) { throw invalid(fault) }
        }
    }

    /// Sets one key; says what is wrong with it, if anything is.
    public mutating func set(_ key: String, _ value: String) -> String? {
        switch key {
        case "state-dir":
            guard value.hasPrefix("/"), value.utf8.count < 80 else { return "state-dir must be a short absolute path" }
            stateDirectory = value
        case "min-free": return set(\.minFreeKiB, key, value)
        case "on-pressure":
            guard let policy = OnPressure(rawValue: value) else { return "on-pressure must be hold or yield" }
            onPressure = policy
        case "floor": return set(\.floorKiB, key, value)
        case "yield-to": return set(\.yieldToKiB, key, value)
        case "max-rate":
            guard let rate = decimalNumber(Array(value.utf8)) else { return "max-rate is not a number: \(value)" }
            maxRateMiB = rate
        case "log-level":
            guard Self.logLevels.contains(value) else {
                return "log-level must be one of \(Self.logLevels.joined(separator: ", "))"
            }
            logLevel = value
        default: return "unknown key \(key)"
        }
        return nil
    }

    private mutating func set(_ size: WritableKeyPath<Self, UInt64>, _ key: String, _ value: String) -> String? {
        guard let parsed = Size(value) else { return "\(key) is not a size: \(value)" }
        self[keyPath: size] = parsed.kib
        return nil
    }

    /// What the controller needs of it.
    public var controllerOptions: BalloonController.Options {
        var options = BalloonController.Options()
        options.guardRule = Guard(minFreeKiB: minFreeKiB)
        options.maxRateMiB = maxRateMiB
        options.floorKiB = floorKiB
        options.yielding = onPressure == .yield ? Yielding(leastBalloonKiB: yieldToKiB) : nil
        return options
    }

    /// Without spaces, tabs and carriage returns at both ends.
    private static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let blanks: [UInt8] = [UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r")]
        let start = text.drop { blanks.contains($0) }
        guard let last = start.lastIndex(where: { !blanks.contains($0) }) else { return [] }
        return start[...last]
    }
}
