internal import CBalloonShim

/// An open descriptor. It is closed with the last reference, never before.
public final class FileDescriptor {
    public let rawValue: Int32

    /// Takes over a descriptor.
    public init(_ rawValue: Int32) { self.rawValue = rawValue }

    deinit { _ = cb_file_close(rawValue) }
}
