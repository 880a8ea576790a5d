import BalloonPictures
import BalloonSystem
import FoundationEssentials
import Glibc

/// What live commands have in common.
enum Live {
    static var now: UTCTime {
        UTCTime(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down)))
    }

    /// The size of the screen.
    static var size: (columns: Int, rows: Int) { (Terminal.columns ?? 80, Screen.rows ?? 24) }
}

/// A file, or standard output (-), that grows by whole lines.
struct LineFile {
    private let path: String
    private let file: GrowingFile
    /// The last line that another process wrote, without its line break; nil: there is none.
    private(set) var lastLine: String?

    var output: FileDescriptor { file.descriptor }

    /// - Parameter beginning: the text with which each line of such a file begins.
    /// - Throws: an exit code, after printing the error.
    init(path: String, beginning: String) throws {
        self.path = path == "-" ? "standard output" : path
        do throws(BalloonError) { file = try GrowingFile(path: path) } catch {
            Terminal.complain("\(error)")
            throw Exit.inputOutput
        }
        if file.isFile { try prepare(beginning) }
    }

    /// Removes the partial line at the end that a killed writer left: a new line would be appended to it.
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
        // No line is nearly as long as that.
        let tail = file.read(at: bytes - min(bytes, 1 << 20), 1 << 20)
        let torn = tail.reversed().prefix { $0 != UInt8(ascii: "\n") }.count
        if torn > 0 { file.truncate(to: bytes - UInt64(torn)) }
        lastLine = tail.dropLast(torn).split(separator: UInt8(ascii: "\n")).last.map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    /// Appends the whole line, or nothing.
    /// - Throws: an exit code, after printing the error.
    func append(_ line: String) throws {
        let before = file.isFile ? try file.bytes : 0
        guard let error = file.write(line + "\n") else { return }
        if file.isFile { file.truncate(to: before) }
        if error == EPIPE { throw Exit.pipe }
        Terminal.complain("\(path) cannot be written (\(errnoText(error))); what was recorded before is in it")
        throw Exit.inputOutput
    }
}
