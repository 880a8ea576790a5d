internal import Glibc

/// Keeps the extents that have memory of other physical nodes in the file `displaced` of the state directory. The file
/// is made with the first note, and written anew where another program removed it. Each line is a change, and the last
/// line of an extent counts.
///
/// Nothing is flushed to a disk: a guest that crashes starts with new memory, so its notes are void.
public final class DisplacedRecord: DisplacedLog {
    private let path: String
    /// Open since the first change by this process.
    private var file: GrowingFile?
    /// A file longer than this is written anew with the lines that still count.
    private let longest: UInt64
    private var limit: UInt64

    public convenience init(stateDirectory: String) { self.init(stateDirectory: stateDirectory, longest: 256 << 10) }

    init(stateDirectory: String, longest: UInt64) {
        path = stateDirectory + "/displaced"
        self.longest = longest
        limit = longest
    }

    public func displaced() throws(BalloonError) -> [UInt64: Int] {
        var bytes: [UInt8] = []
        do throws(BalloonError) { bytes = try readFile(path, limit: 64 << 20) } catch {
            if error.errno == ENOENT { return [:] }
            try check(-(error.errno ?? EIO), .busy, "cannot read \(path): which memory is another physical node's")
        }
        var extents: [UInt64: Int] = [:]
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let words = String(decoding: line, as: UTF8.self).split(separator: " ")
            // Only a kill in the middle of the write leaves a partial line. The killed process had not asked Xen yet,
            // so the line can be ignored.
            guard words.count == 3, words[2] == ".", let gfn = UInt64(words[0]), let frames = Int(words[1]),
                frames >= 0, frames <= Int(ExtentBuffer.framesPerExtent)
            else { continue }
            extents[gfn] = frames == 0 ? nil : frames
        }
        return extents
    }

    public func note(_ extents: [(gfn: UInt64, frames: Int)], after before: [UInt64: Int]) throws(BalloonError) {
        guard let file, isInPlace(file) else { return try begin(extents, before) }
        let end = try file.bytes
        // The new line break ends a partial line that a kill may have left.
        if let errno = file.write("\n" + Self.text(extents)) {
            file.truncate(to: end)
            throw BalloonError(.system, "cannot write \(path)", errno: errno)
        }
        if end > limit { writeAnew(before.merging(extents.map { ($0.gfn, $0.frames) }) { $1 }) }
    }

    private static func text(_ extents: some Sequence<(gfn: UInt64, frames: Int)>) -> String {
        extents.reduce(into: "") { $0 += "\($1.gfn) \($1.frames) .\n" }
    }

    /// Writes the whole file: at the first note of this process, or after another program removed the file.
    private func begin(_ extents: [(gfn: UInt64, frames: Int)], _ before: [UInt64: Int]) throws(BalloonError) {
        file = nil
        let old = before.map { (gfn: $0.key, frames: $0.value) }
        try replaceFile(path, Self.text(old) + Self.text(extents))
        file = try? GrowingFile(path: path)
    }

    private func isInPlace(_ file: GrowingFile) -> Bool {
        guard let ours = try? file.descriptor.info(), let there = try? FileInfo(path: path, "") else { return false }
        return ours.device == there.device && ours.inode == there.inode
    }

    /// Replaces the file by a shorter one that says the same. Where there is no room for a new file the old one stays.
    private func writeAnew(_ all: [UInt64: Int]) {
        let text = Self.text(all.lazy.filter { $0.value > 0 }.map { (gfn: $0.key, frames: $0.value) })
        limit = max(longest, 2 * UInt64(text.utf8.count))
        do throws(BalloonError) { try replaceFile(path, text) } catch { limit *= 2 }
        file = try? GrowingFile(path: path)
    }
}
