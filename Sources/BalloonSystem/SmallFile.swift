internal import CBalloonShim
internal import Glibc

/// Reads a whole file of /proc or sysfs, at most `limit` bytes.
/// - Throws: `.system`; `errno` is EFBIG above the limit.
package func readFile(_ path: String, limit: Int = 4 << 20) throws(BalloonError) -> [UInt8] {
    var capacity = min(32 << 10, limit)
    while true {
        var length: Int64 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            // Unsafe: the shim fills at most `capacity` bytes of it and says how many.
            unsafe length = cb_read_path(path, buffer.baseAddress, capacity)
            count = max(0, Int(length))
        }
        if length >= 0 { return bytes }
        guard length == -Int64(EFBIG), capacity < limit else {
            throw BalloonError(.system, "cannot read \(path)", errno: Int32(-length))
        }
        capacity *= 4
    }
}

/// The names in a directory, sorted by their bytes. Names that are not UTF-8 are left out.
/// - Throws: `.system`; `errno` is ENOBUFS where the names take more than `limit` bytes.
package func namesInDirectory(_ path: String, limit: Int = 64 << 10) throws(BalloonError) -> [String] {
    var length: Int64 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
        // Unsafe: the shim fills at most `limit` bytes of it and says how many.
        unsafe length = cb_directory_names(path, buffer.baseAddress, limit)
        count = max(0, Int(length))
    }
    try check(length, "cannot read the folder \(path)")
    return bytes.split(separator: 0).compactMap { String(validating: $0, as: UTF8.self) }.sorted()
}

/// Reads a file that holds one number, such as those of sysfs.
package func readNumber(_ path: String) throws(BalloonError) -> Int {
    let text = String(decoding: try readFile(path, limit: 64), as: UTF8.self)
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int(digits) else { throw BalloonError(.system, "\(path) does not hold a number: \(text)") }
    return number
}

/// Writes a text to an existing file, in one write.
package func writeFile(_ path: String, _ text: String) throws(BalloonError) {
    // Unsafe: a C string and its length; the shim reads no further.
    let result = unsafe cb_write_path(path, text, text.utf8.count)
    try check(result, "cannot write \(path)")
}

/// Writes a new file and renames it to the old one's name. A kill leaves one or the other.
/// - Throws: `.system`.
package func replaceFile(_ path: String, _ text: String) throws(BalloonError) {
    let new = path + ".new"
    let file = try FileDescriptor.open(new, .create, "cannot write \(new)")
    try check(cb_file_truncate(file.rawValue, 0), "cannot write \(new)")
    // Unsafe: C strings for the calls, and no more than the text's length.
    try check(unsafe cb_file_write(file.rawValue, 0, text, text.utf8.count), "cannot write \(new)")
    try check(unsafe cb_file_rename(new, path), "cannot replace \(path)")
}
