import BalloonPictures
import BalloonSystem
import FoundationEssentials
import Glibc

/// What live commands have in common.
enum Live {
    static var now: UTCTime {
        UTCTime(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down)))
    }

    /// How wide and high the screen is.
    static var size: (columns: Int, rows: Int) { (Terminal.columns ?? 80, Screen.rows ?? 24) }
}

/// A file, or standard output (-), that grows by whole lines.
struct LineFile {
    private let path: String
    private let file: GrowingFile
    /// What another process wrote last, without its end; nil: nothing.
    private(set) var lastLine: String?

    var output: FileDescriptor { file.descriptor }

    /// - Parameter beginning: what each line of such a file begins with.
    /// - Throws: an exit code, and the complaint is made.
    init(path: String, beginning: String) throws {
        self.path = path == "-" ? "standard output" : path
        do throws(BalloonError) { file = try GrowingFile(path: path) } catch {
            Terminal.complain("\(error)")
            throw Exit.inputOutput
        }
        if file.isFile { try prepare(beginning) }
    }

    /// The half line at the end that a killed writer left goes: what follows would stand behind it.
    private mutating func prepare(_ beginning: String) throws {
        guard file.lock() else {
            Terminal.complain("\(path) is being written by another process; name another file")
            throw Exit.temporary
        }
        let bytes = try file.bytes
        guard bytes > 0 else { return }
        guard file.read(at: 0, beginning.utf8.count).elementsEqual(beginning.utf8) else {
            Terminal.complain("\(path) is there, and is no record; name another file")
            throw Exit.usage
        }
        // A line is much shorter than that.
        let tail = file.read(at: bytes - min(bytes, 1 << 20), 1 << 20)
        let torn = tail.reversed().prefix { $0 != UInt8(ascii: "\n") }.count
        if torn > 0 { file.truncate(to: bytes - UInt64(torn)) }
        lastLine = tail.dropLast(torn).split(separator: UInt8(ascii: "\n")).last.map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    /// All of the line, or nothing of it.
    /// - Throws: an exit code, and the complaint is made.
    func append(_ line: String) throws {
        let before = file.isFile ? try file.bytes : 0
        guard let error = file.write(line + "\n") else { return }
        if file.isFile { file.truncate(to: before) }
        if error == EPIPE { throw Exit.pipe }
        Terminal.complain("\(path) cannot be written (\(errnoText(error))); what was recorded before is in it")
        throw Exit.inputOutput
    }
}
