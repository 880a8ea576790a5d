import Glibc
import Testing

/// A directory that is removed with the object. The test must have emptied it by then.
final class TemporaryDirectory {
    let path: String

    init() throws {
        var template = Array("/tmp/vnode-balloon-tests.XXXXXX".utf8CString)
        // Unsafe: mkdtemp replaces the X in place.
        let made = unsafe template.withUnsafeMutableBufferPointer { unsafe mkdtemp($0.baseAddress!) != nil }
        try #require(made, "a temporary directory")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    // Unsafe, here and below: C reads a path that Swift lends it for the call.
    deinit { _ = unsafe rmdir(path) }

    func remove(_ name: String) { _ = unsafe Glibc.remove(path + "/" + name) }

    func makeDirectory(_ name: String) throws {
        let made = unsafe mkdir(path + "/" + name, 0o700)
        try #require(made == 0)
    }

    /// Replaces bytes of a file, beginning at `offset`.
    func overwrite(_ name: String, at offset: Int, with text: String) throws {
        let file = unsafe open(path + "/" + name, O_WRONLY | O_CREAT, 0o600)
        try #require(file >= 0)
        let written = unsafe pwrite(file, text, text.utf8.count, off_t(offset))
        close(file)
        try #require(written == text.utf8.count)
    }

    func truncate(_ name: String, to length: Int) throws {
        let result = unsafe Glibc.truncate(path + "/" + name, off_t(length))
        try #require(result == 0)
    }
}
