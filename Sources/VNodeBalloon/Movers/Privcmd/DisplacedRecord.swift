internal import Glibc

/// The extents with memory of other physical nodes, in the state directory: the file `displaced`. It is made when there is
/// something to note. A line is a change, and the last one of an extent counts.
///
/// Nothing is flushed to a disk: a guest that crashes starts with new memory.
public final class DisplacedRecord: DisplacedLog {
    private let path: String
    /// Open from the first change on.
    private var file: GrowingFile?
    /// A file that is longer is written anew, with what counts.
    private let longest: UInt64

    public convenience init(stateDirectory: String) { self.init(stateDirectory: stateDirectory, longest: 4 << 20) }

    init(stateDirectory: String, longest: UInt64) {
        path = stateDirectory + "/displaced"
        self.longest = longest
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
            // Only a line that was cut short by a kill is not whole, and Xen was not asked after it.
            guard words.count == 3, words[2] == ".", let gfn = UInt64(words[0]), let frames = Int(words[1]),
                frames >= 0, frames <= Int(ExtentBuffer.framesPerExtent)
            else { continue }
            extents[gfn] = frames == 0 ? nil : frames
        }
        return extents
    }

    public func note(_ extents: [(gfn: UInt64, frames: Int)]) throws(BalloonError) {
        let file = try open()
        let before = try file.bytes
        // Behind a line that a kill cut short.
        let text = (before > 0 ? "\n" : "") + Self.text(extents)
        if let errno = file.write(text) {
            file.truncate(to: before)
            throw BalloonError(.system, "cannot write \(path)", errno: errno)
        }
        if before > longest { try writeAnew() }
    }

    private static func text(_ extents: some Sequence<(gfn: UInt64, frames: Int)>) -> String {
        extents.reduce(into: "") { $0 += "\($1.gfn) \($1.frames) .\n" }
    }

    private func open() throws(BalloonError) -> GrowingFile {
        if let file { return file }
        let opened = try GrowingFile(path: path)
        file = opened
        return opened
    }

    private func writeAnew() throws(BalloonError) {
        let left = try displaced()
        try replaceFile(path, Self.text(left.map { (gfn: $0.key, frames: $0.value) }))
        file = nil
    }
}
