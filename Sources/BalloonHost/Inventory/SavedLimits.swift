internal import CBalloonShim
internal import Glibc

/// Limits that outlive their domain, in one file for each UUID. The UUID stays the same when the domain starts again.
public struct SavedLimits: Equatable, Sendable {
    public static let standardDirectory = "/etc/vnode-balloon-host.d"
    static let mostBytes = 64 << 10

    public var limits = HostLimits()
    /// The file's errors, one a line. The other lines apply.
    public var faults: [String] = []

    public init() {}

    package init(parsing bytes: [UInt8], name: String) {
        var found = HostLimits()
        faults = ConfigurationText.take(bytes, name: name) { key, value in
            guard let size = Size(value)?.kib, size <= Seat.largest else {
                return "\(key) is not a size: \(Size.form)"
            }
            return found.set(key, size) ? nil : "unknown key \(key)"
        }
        limits = found
    }

    public static func path(_ uuid: String, in directory: String = standardDirectory) -> String {
        "\(directory)/\(uuid).conf"
    }

    /// Reads the saved limits of a domain. Without a file there are none.
    public static func read(_ uuid: String, in directory: String = standardDirectory) -> SavedLimits {
        let path = path(uuid, in: directory)
        do throws(BalloonError) {
            return SavedLimits(parsing: try UserData.read(path, mostBytes: mostBytes), name: path)
        } catch {
            var saved = SavedLimits()
            if error.errno != ENOENT { saved.faults = [error.description] }
            return saved
        }
    }

    /// Writes the file, whole or not at all.
    /// - Parameter name: the domain's name, written as a comment.
    /// - Throws: `.environment`.
    public static func write(
        _ limits: HostLimits, _ uuid: String, name: String, in directory: String = standardDirectory
    ) throws(BalloonError) {
        try makeDirectory(directory)
        let path = path(uuid, in: directory)
        let bytes = Array(limits.text(name: name).utf8)
        let file = try FileDescriptor.open(path + ".new", .create, code: .environment, "cannot make \(path).new")
        try check(cb_file_truncate(file.rawValue, 0), .environment, "cannot empty \(path).new")
        // Unsafe: a list and its length; the shim reads no further.
        let written = unsafe bytes.withUnsafeBufferPointer {
            unsafe cb_file_write(file.rawValue, 0, $0.baseAddress, $0.count)
        }
        try check(written, .environment, "cannot write \(path).new")
        try check(cb_file_sync(file.rawValue), .environment, "cannot write \(path).new")
        // Unsafe: C strings for the call.
        try check(unsafe cb_file_rename(path + ".new", path), .environment, "cannot rename \(path).new to \(path)")
    }
}

extension HostLimits {
    /// Sets "min", "max", "vnode1-min" or "vnode1-max". Returns false for any other key.
    mutating func set(_ key: String, _ kib: KiB) -> Bool {
        var (bound, vnode): (Substring, Int?) = (key[...], nil)
        if key.hasPrefix("vnode"), let dash = key.firstIndex(of: "-") {
            let digits = Array(key[..<dash].dropFirst(5).utf8)
            guard let number = decimalNumber(digits), number < CB_MAX_VNODES else { return false }
            (bound, vnode) = (key[dash...].dropFirst(), Int(number))
        }
        var bounds = vnode.map { vnodes[$0] ?? Bounds() } ?? whole
        switch bound {
        case "min": bounds.minimum = kib
        case "max": bounds.maximum = kib
        default: return false
        }
        if let vnode { vnodes[vnode] = bounds } else { whole = bounds }
        return true
    }

    /// The text of a file.
    func text(name: String) -> String {
        func lines(_ prefix: String, _ bounds: Bounds) -> [String] {
            [("min", bounds.minimum), ("max", bounds.maximum)].compactMap { key, kib in
                kib.map { "\(prefix)\(key) = \($0)k" }
            }
        }
        let all =
            ["# \(name): balloonctl host limits --save"] + lines("", whole)
            + vnodes.sorted { $0.key < $1.key }.flatMap { lines("vnode\($0.key)-", $0.value) }
        return all.joined(separator: "\n") + "\n"
    }
}
