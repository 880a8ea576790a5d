internal import CBalloonShim
internal import Glibc

/// A file of /proc or sysfs that is read again and again: opened once, because opening and closing take longer than reading.
/// Each read from its start makes the kernel write its text anew.
package final class ProcFile {
    private let path: String
    private let access: FileDescriptor.Access
    private var descriptor: FileDescriptor?

    package init(_ path: String, _ access: FileDescriptor.Access = .read) {
        self.path = path
        self.access = access
    }

    /// Opens it now, so that a later read or write needs no descriptor that may not be had then.
    /// - Throws: `.descriptors` alone: any other error is thrown when the file is used.
    package func openNow() throws(BalloonError) {
        do throws(BalloonError) { descriptor = try .open(path, access, "cannot open \(path)") } catch {
            if error.code == .descriptors { throw error }
        }
    }

    /// All of it; less than 8 MiB.
    /// - Throws: `.system`; `errno` is EFBIG where it is more.
    package func read() throws(BalloonError) -> [UInt8] {
        var capacity = 32 << 10
        while true {
            var bytes: [UInt8] = []
            let length = try call("read") { file in
                var length: Int64 = 0
                bytes = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                    // Unsafe: the shim fills at most `capacity` bytes of it and says how many.
                    unsafe length = cb_file_read(file, 0, buffer.baseAddress, capacity)
                    count = max(0, Int(length))
                }
                return length
            }
            if length < capacity { return bytes }
            capacity *= 4
            if capacity > 8 << 20 { throw BalloonError(.system, "cannot read \(path)", errno: EFBIG) }
        }
    }

    /// The number that it holds, as sysfs has them.
    /// - Throws: `.system`.
    package func readNumber() throws(BalloonError) -> Int { Int(try call("read") { cb_number_read($0) }) }

    /// Writes a number in one write.
    /// - Throws: `.system`, with the kernel's errno.
    package func writeNumber(_ number: Int) throws(BalloonError) {
        // It is negative where another program changed the number that it was computed from.
        guard let value = UInt64(exactly: number) else {
            throw BalloonError(.system, "cannot write \(number) to \(path)", errno: EINVAL)
        }
        _ = try call("write") { cb_number_write($0, value) }
    }

    private func call(_ what: String, _ body: (Int32) -> Int64) throws(BalloonError) -> Int64 {
        var result = -Int64(ENODEV)
        if let descriptor { result = body(descriptor.rawValue) }
        if result == -Int64(ENODEV) {
            // The first time; or the node went and came back, and its directory is another one.
            descriptor = try .open(path, access, "cannot open \(path)")
            if let descriptor { result = body(descriptor.rawValue) }
        }
        guard result >= 0 else { throw BalloonError(.system, "cannot \(what) \(path)", errno: Int32(-result)) }
        return result
    }
}
