internal import CBalloonShim
internal import Glibc

/// An open descriptor. It is closed when its last reference goes, never before.
public final class FileDescriptor: Sendable {
    public let rawValue: Int32

    /// Takes over a descriptor.
    public init(_ rawValue: Int32) { self.rawValue = rawValue }

    deinit { _ = cb_file_close(rawValue) }

    /// How a file is opened. It is always close-on-exec, and a symbolic link in the last component is never followed.
    package enum Access: Int32 {
        case read, write, readWrite
        /// Read and write; a missing file is made with mode 0600.
        case create
        case directory
    }

    /// Opens a path. A relative path starts at `directory`, if one is given.
    /// - Throws: an error with this code; `.system` by default.
    package static func open(
        _ path: String, _ access: Access, below directory: FileDescriptor? = nil, code: BalloonError.Code = .system,
        _ message: @autoclosure () -> String
    ) throws(BalloonError) -> FileDescriptor {
        // Unsafe: Swift lends the shim a C string for the call.
        let opened =
            if let directory { unsafe cb_file_open_at(directory.rawValue, path, access.rawValue) } else {
                unsafe cb_file_open(path, access.rawValue)
            }
        return FileDescriptor(try check(opened, code, message()))
    }

    /// What stat(2) returns.
    package func info() throws(BalloonError) -> FileInfo {
        var info = cb_file_info()
        // Unsafe: the shim fills the struct.
        try check(unsafe cb_file_info(rawValue, &info), "cannot stat an open file")
        return FileInfo(info)
    }

    /// The magic number and the block size of the descriptor's file system.
    package func fileSystem() throws(BalloonError) -> (magic: UInt64, blockBytes: UInt64) {
        var magic: UInt64 = 0
        var block: UInt64 = 0
        // Unsafe: the shim sets both numbers.
        try check(unsafe cb_file_system(rawValue, &magic, &block), "cannot ask for a file system")
        return (magic, block)
    }
}

/// The values of stat(2) that are needed.
package struct FileInfo {
    package let bytes: UInt64
    /// The allocated part: less than `bytes` when pages are missing.
    package let allocatedBytes: UInt64
    package let device: UInt64
    package let inode: UInt64
    package let links: Int
    package let owner: UInt32
    /// Permission bits.
    package let mode: UInt32

    fileprivate init(_ info: cb_file_info) {
        bytes = info.bytes
        allocatedBytes = info.allocated_bytes
        device = info.device
        inode = info.inode
        links = Int(info.links)
        owner = info.owner
        mode = info.mode
    }

    /// The values of a path. Symbolic links are followed, as the namespace files below /proc need.
    package init(path: String, code: BalloonError.Code = .system, _ message: @autoclosure () -> String)
        throws(BalloonError)
    {
        var info = cb_file_info()
        // Unsafe: a C string for the call, and a struct that the shim fills.
        try check(unsafe cb_path_info(path, &info), code, message())
        self.init(info)
    }
}

extension FileInfo {
    /// The values of a name in an open directory; nil: there is none. A symbolic link is not followed.
    package static func ofEntry(
        _ name: String, below directory: FileDescriptor, _ message: @autoclosure () -> String
    ) throws(BalloonError) -> FileInfo? {
        var info = cb_file_info()
        // Unsafe: a C string for the call, and a struct that the shim fills.
        let result = unsafe cb_entry_info(directory.rawValue, name, &info)
        if result == -ENOENT { return nil }
        try check(result, message())
        return FileInfo(info)
    }
}

/// Makes one directory with mode 0700, unless something with that name exists.
/// - Throws: `.environment`.
package func makeDirectory(_ path: String) throws(BalloonError) {
    // Unsafe: Swift lends the shim a C string for the call.
    try check(
        unsafe cb_directory_make(path), .environment,
        "cannot make the directory \(path); make what is above it, or use another --state-dir")
}
