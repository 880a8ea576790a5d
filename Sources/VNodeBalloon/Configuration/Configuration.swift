internal import Glibc

/// The daemon's settings: /etc/vnode-balloon.conf, then the files of /etc/vnode-balloon.conf.d: lines of `key = value`, `#` begins a comment.
public struct Configuration: Equatable, Sendable {
    public static let standardPath = "/etc/vnode-balloon.conf"

    public var stateDirectory = StateDirectory.standardPath
    public var mover = MoverName.auto
    /// What each node keeps at least.
    public var minFree: KiB = .zero
    /// What memory pressure may do.
    public enum OnPressure: String, Sendable, Equatable, CaseIterable {
        case stay = "hold"
        case yield
    }
    public var onPressure = OnPressure.stay
    /// What each vnode's memory never goes below.
    public var floor: KiB = .zero
    /// What pressure leaves in each balloon.
    public var yieldTo: KiB = .zero
    /// MiB a second; 0: unlimited.
    public var maxRateMiB: UInt64 = 0
    /// Its bytes fit into 64 bits.
    public static let largestRateMiB = UInt64.max >> 20
    public var logLevel = "notice"

    public static let logLevels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]

    public init() {}

    /// Reads a file and those of its folder. A file that does not exist sets nothing.
    /// - Throws: `.invalidConfiguration` with all that is wrong, a line each.
    public init(path: String) throws(BalloonError) {
        let (configuration, fault) = Self.read(path: path)
        if let fault { throw fault }
        self = configuration
    }

    /// The same for a caller that has to go on: takes the lines that are right, and reports those that are wrong.
    public static func read(path: String) -> (Configuration, fault: BalloonError?) {
        var (configuration, faults) = (Configuration(), [String]())
        do throws(BalloonError) {
            for file in [path] + (try dropIns(path)) {
                do throws(BalloonError) {
                    faults += configuration.take(try readFile(file, limit: 64 << 10), name: file)
                } catch {
                    if error.errno == ENOENT { continue }
                    let fault = BalloonError(
                        .invalidConfiguration, "cannot read the configuration \(file)", errno: error.errno)
                    faults.append(fault.message)
                }
            }
        } catch { faults.append(error.message) }
        return (configuration, fault(faults))
    }

    /// The files that exist, in the order in which they are read. The last one that names a key sets it.
    public static func files(path: String) -> [String] {
        ([path] + ((try? dropIns(path)) ?? [])).filter { (try? FileInfo(path: $0, "")) != nil }
    }

    /// What packages and administrators put beside it, by name: FILE.d/*.conf.
    private static func dropIns(_ path: String) throws(BalloonError) -> [String] {
        let directory = path + ".d"
        do throws(BalloonError) {
            return try namesInDirectory(directory)
                .filter { $0.hasSuffix(".conf") && !$0.hasPrefix(".") }.map { "\(directory)/\($0)" }
        } catch {
            if error.errno == ENOENT { return [] }
            throw BalloonError(.invalidConfiguration, "cannot read the folder \(directory)", errno: error.errno)
        }
    }

    /// - Throws: `.invalidConfiguration` with all that is wrong, a line each.
    public init(parsing text: String, name: String) throws(BalloonError) {
        try self.init(parsing: Array(text.utf8), name: name)
    }

    /// - Throws: `.invalidConfiguration` with all that is wrong, a line each.
    public init(parsing bytes: [UInt8], name: String) throws(BalloonError) {
        self.init()
        if let fault = Self.fault(take(bytes, name: name)) { throw fault }
    }

    private static func fault(_ lines: [String]) -> BalloonError? {
        lines.isEmpty ? nil : BalloonError(.invalidConfiguration, lines.joined(separator: "\n"))
    }

    /// Takes a file in; says what is wrong with it, a line each.
    ///
    /// Byte by byte: what Unicode takes for one character, such as the end of a line in DOS files, would hide what
    /// follows.
    private mutating func take(_ bytes: [UInt8], name: String) -> [String] {
        var faults: [String] = []
        var lineOf: [String: Int] = [:]
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let content = Self.trimmed(line.prefix { $0 != UInt8(ascii: "#") })
            if content.isEmpty { continue }
            if let fault = take(content, line: index + 1, &lineOf) {
                faults.append("\(name), line \(index + 1): \(fault)")
            }
        }
        return faults
    }

    /// Takes a line in; says what is wrong with it, if anything is.
    /// - Parameter lineOf: where each key was seen. The first one counts.
    private mutating func take(_ content: ArraySlice<UInt8>, line: Int, _ lineOf: inout [String: Int]) -> String? {
        guard content.allSatisfy({ $0 == UInt8(ascii: "\t") || (0x20...0x7e).contains($0) }) else {
            return "a character that is not plain ASCII"
        }
        guard let equals = content.firstIndex(of: UInt8(ascii: "=")) else { return "not of the form key = value" }
        let key = String(decoding: Self.trimmed(content[..<equals]), as: UTF8.self)
        let value = String(decoding: Self.trimmed(content[(equals + 1)...]), as: UTF8.self)
        if let first = lineOf[key] { return "\(key) stands in line \(first) already" }
        if let fault = set(key, value) { return fault }
        lineOf[key] = line
        return nil
    }

    /// Sets one key; says what is wrong with it, if anything is.
    public mutating func set(_ key: String, _ value: String) -> String? {
        switch key {
        case "state-dir":
            guard value.hasPrefix("/"), value.utf8.count < 80 else { return "state-dir must be a short absolute path" }
            stateDirectory = value
        case "mover":
            guard let named = MoverName(rawValue: value) else {
                return "mover must be one of \(MoverName.allCases.map(\.rawValue).joined(separator: ", "))"
            }
            mover = named
        case "min-free": return set(\.minFree, key, value)
        case "on-pressure":
            guard let policy = OnPressure(rawValue: value) else { return "on-pressure must be hold or yield" }
            onPressure = policy
        case "floor": return set(\.floor, key, value)
        case "yield-to": return set(\.yieldTo, key, value)
        case "max-rate":
            guard let rate = decimalNumber(Array(value.utf8)) else { return "max-rate is not a number: \(value)" }
            guard rate <= Self.largestRateMiB else { return "max-rate is at most \(Self.largestRateMiB): \(value)" }
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

    private mutating func set(_ size: WritableKeyPath<Self, KiB>, _ key: String, _ value: String) -> String? {
        guard let parsed = Size(value) else { return "\(key) is not a size: \(value)" }
        self[keyPath: size] = parsed.kib
        return nil
    }

    /// What the controller needs of it.
    public var controllerOptions: BalloonController.Options {
        var options = BalloonController.Options()
        options.guardRule = Guard(minFree: minFree)
        options.maxRateMiB = maxRateMiB
        options.floor = floor
        options.yielding = onPressure == .yield ? Yielding(leastBalloon: yieldTo) : nil
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
