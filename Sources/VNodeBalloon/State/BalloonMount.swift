internal import CBalloonShim
internal import Glibc

/// A hugetlbfs that has files of balloons, as process 1 sees it: ours, or that of another state directory.
public struct BalloonMount: Equatable, Sendable {
    /// Where it is mounted.
    public let path: String
    /// What its balloons' files have: what is given of it, and what is on its way.
    public let size: KiB
    let device: UInt64

    /// The state directory that it belongs to.
    public var stateDirectory: String {
        path.hasSuffix("/pages") ? String(path.dropLast("/pages".utf8.count)) : path
    }

    /// All that there are.
    /// - Throws: `.system` where process 1's mounts cannot be seen.
    public static func all() throws(BalloonError) -> [BalloonMount] {
        var mounts: [BalloonMount] = []
        for path in hugetlbfs(of: try readFile("/proc/1/mountinfo")) {
            guard let root = try open(path) else { continue }
            let device = try root.info().device
            if mounts.contains(where: { $0.device == device }) { continue }
            var size: KiB = .zero
            var hasFiles = false
            for vnode in 0..<Int(CB_MAX_VNODES) {
                guard let file = try FileInfo.ofEntry("vnode\(vnode)", below: root, "cannot look at \(path)") else {
                    continue
                }
                hasFiles = true
                size += KiB(wholeOfBytes: file.bytes)
            }
            if hasFiles { mounts.append(BalloonMount(path: path, size: size, device: device)) }
        }
        return mounts
    }

    /// - Returns: nil: gone meanwhile, or hidden by another mount.
    private static func open(_ path: String) throws(BalloonError) -> FileDescriptor? {
        do throws(BalloonError) {
            return try FileDescriptor.open("/proc/1/root" + path, .directory, "cannot look at \(path)")
        } catch {
            guard error.errno == ENOENT || error.errno == ENOTDIR else { throw error }
            return nil
        }
    }

    /// Balloons of other state directories that have memory.
    public static func others(besides stateDirectory: String) throws(BalloonError) -> [BalloonMount] {
        let ours = try? FileInfo(path: stateDirectory + "/pages", "")
        return try all().filter { $0.size > .zero && $0.device != ours?.device }
    }

    /// What to do about another balloon.
    public var advice: String {
        let directory = stateDirectory
        return
            "another state directory, \(directory), has \(Size.text(size)) of this guest's memory: go on with it"
            + " (--state-dir \(directory)), take it back (balloonctl deflate --all --state-dir \(directory)), or start with"
            + " balloonctl daemon --adopt \(directory)"
    }

    /// Mount points of type hugetlbfs in a mountinfo (proc_pid_mountinfo(5)).
    static func hugetlbfs(of bytes: [UInt8]) -> [String] {
        bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let words = line.split(separator: UInt8(ascii: " "))
            guard let dash = words.firstIndex(where: { $0.elementsEqual([UInt8(ascii: "-")]) }), words.count > dash + 1,
                dash > 4, words[dash + 1].elementsEqual("hugetlbfs".utf8)
            else { return nil }
            return String(decoding: unescaped(words[4]), as: UTF8.self)
        }
    }

    /// Blanks and backslashes are written as three octal digits.
    private static func unescaped(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var (bytes, rest) = ([UInt8](), text)
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ (48...55).contains($0) }) {
                bytes.append(UInt8(truncatingIfNeeded: digits.reduce(0) { $0 * 8 + Int($1 - 48) }))
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return bytes
    }
}
