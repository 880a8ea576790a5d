internal import CBalloonShim
internal import Glibc

/// A file, a pipe, or standard output, to which text is appended.
package struct GrowingFile {
    package let descriptor: FileDescriptor
    /// A regular file, not a pipe or a device: it can be read, locked and truncated.
    package let isFile: Bool

    /// Makes the file, mode 0644, where it is missing. `-` is standard output.
    /// - Throws: `.system`.
    package init(path: String) throws(BalloonError) {
        // Unsafe: Swift lends the shim a C string for the call.
        let opened =
            if path == "-" { cb_duplicate(StandardStream.output.rawValue) } else { unsafe cb_file_append(path) }
        descriptor = FileDescriptor(try check(opened, "\(path) cannot be opened"))
        isFile = path != "-" && cb_is_file(opened)
    }

    package var bytes: UInt64 {
        get throws(BalloonError) { try descriptor.info().bytes }
    }

    /// Locks the file, so that it has one writer.
    /// - Returns: false where another process has the lock. Where the file system has no locks: true.
    package func lock() -> Bool { cb_file_lock(descriptor.rawValue) != -EWOULDBLOCK }

    package func truncate(to bytes: UInt64) { _ = cb_file_truncate(descriptor.rawValue, bytes) }

    /// Reads at most `count` bytes.
    package func read(at offset: UInt64, _ count: Int) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        // Unsafe: the shim fills at most the buffer.
        let length = unsafe buffer.withUnsafeMutableBufferPointer {
            unsafe cb_file_read(descriptor.rawValue, offset, $0.baseAddress, $0.count)
        }
        return Array(buffer.prefix(Int(max(0, length))))
    }

    /// - Returns: the error number; nil: all of the text was written.
    package func write(_ text: String) -> Int32? {
        // Unsafe: a C string and its length.
        let result = unsafe cb_write_all(descriptor.rawValue, text, text.utf8.count)
        return result < 0 ? Int32(-result) : nil
    }
}
