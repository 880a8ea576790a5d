internal import Glibc

/// The settings of `balloonctl host watch`: lines of `key = value`, `#` begins a comment.
public struct HostConfiguration: Equatable, Sendable {
    public static let standardPath = "/etc/vnode-balloon-host.conf"
    public static let logLevels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]

    public var policy = HostKeeper.Policy()
    /// Whether `host free --any` takes memory from guests that follow only memory/target, even if they do not announce
    /// that.
    public var takesOld = false
    public var logLevel = "notice"

    public init() {}

    /// Reads a file. A missing file changes nothing.
    /// - Throws: `.invalidConfiguration` with all errors, one a line.
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
        let faults = ConfigurationText.take(bytes, name: name) { set($0, $1) }
        if !faults.isEmpty { throw BalloonError(.invalidConfiguration, faults.joined(separator: "\n")) }
    }

    /// Sets one key. Returns the error, if there is one.
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
        case "enforce":
            guard ["yes", "no"].contains(value) else { return "enforce must be yes or no" }
            policy.isEnforcing = value == "yes"
        case "legacy":
            guard ["yes", "no"].contains(value) else { return "legacy must be yes or no" }
            takesOld = value == "yes"
        case "log-level":
            guard Self.logLevels.contains(value) else {
                return "log-level must be one of \(Self.logLevels.joined(separator: ", "))"
            }
            logLevel = value
        default: return "unknown key \(key)"
        }
        return nil
    }
}
