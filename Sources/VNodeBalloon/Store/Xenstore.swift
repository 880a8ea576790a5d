internal import CBalloonShim
internal import Glibc

/// A connection to xenstore through libxenstore (/run/xenstored/socket in dom0, /dev/xen/xenbus in a guest).
// Safe to use: the handle is the library's own, made in `init` and closed in `deinit`.
@safe
public final class Xenstore: Store {
    private let handle: OpaquePointer
    public let descriptor: Int32

    /// How often a transaction is tried again when somebody else changed what it read.
    private static let transactionTries = 8

    /// Connects.
    /// - Throws: `.noXen`: there is no xenstore here.
    public init() throws(BalloonError) {
        var opened: OpaquePointer?
        // Unsafe: the shim sets the handle.
        let result = unsafe cb_store_open(&opened)
        guard result >= 0, let handle = unsafe opened else {
            throw BalloonError(
                .noXen, "cannot reach xenstore; in a Xen guest run: modprobe xenfs, and look for /dev/xen/xenbus",
                errno: result < 0 ? -result : nil)
        }
        unsafe self.handle = unsafe handle
        descriptor = unsafe cb_store_descriptor(handle)
    }

    deinit { unsafe cb_store_close(handle) }

    public func read(_ path: String, in transaction: Transaction?) throws(BalloonError) -> [UInt8]? {
        var length: Int64 = 0
        let value = unsafe [UInt8](unsafeUninitializedCapacity: Int(CB_STORE_VALUE_MAX)) { buffer, count in
            // Unsafe: the shim fills at most the buffer and says how much.
            unsafe length = cb_store_read(handle, transaction?.number ?? 0, path, buffer.baseAddress, buffer.count)
            count = max(0, Int(length))
        }
        if length >= 0 { return value }
        if length == -Int64(ENOENT) { return nil }
        throw BalloonError(.store, "cannot read \(path) in xenstore", errno: Int32(-length))
    }

    public func write(_ path: String, _ value: String, in transaction: Transaction?) throws(BalloonError) {
        // Unsafe: a C string and its length.
        let result = unsafe cb_store_write(handle, transaction?.number ?? 0, path, value, value.utf8.count)
        try check(result, .store, "cannot write \(path) in xenstore")
    }

    public func watch(_ path: String, token: String) throws(BalloonError) {
        try check(unsafe cb_store_watch(handle, path, token), .store, "cannot watch \(path) in xenstore")
    }

    public func nextEvent() throws(BalloonError) -> String? {
        var result: Int32 = 0
        // Unsafe: the shim writes a NUL-ended path of at most this length; a longer one is cut.
        let path = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
            unsafe result = cb_store_next_event(handle, buffer.baseAddress, buffer.count)
            return result > 0 ? unsafe String(cString: buffer.baseAddress!) : nil
        }
        try check(result, .store, "the connection to xenstore broke")
        return path
    }

    public func transaction(
        _ body: (Transaction) throws(BalloonError) -> Void
    ) throws(BalloonError) {
        for _ in 0..<Self.transactionTries {
            var number: cb_transaction = 0
            // Unsafe: the shim sets the number.
            try check(unsafe cb_store_begin(handle, &number), .store, "cannot begin a transaction in xenstore")
            do throws(BalloonError) {
                try body(Transaction(number: number))
            } catch {
                _ = unsafe cb_store_end(handle, number, 0)
                throw error
            }
            let ended = unsafe cb_store_end(handle, number, 1)
            if ended == -EAGAIN { continue }
            try check(ended, .store, "cannot commit a transaction in xenstore")
            return
        }
        throw BalloonError(.store, "xenstore is too busy: a transaction failed again and again", errno: EAGAIN)
    }
}
