internal import CLibraryStore
internal import Glibc
public import VNodeBalloon

/// A xenstore client that uses libxenstore. Our own client must behave as it does.
// Safe to use: the handle stays inside and lives as long as the object.
@safe
public final class LibraryStore: Store {
    private let handle: OpaquePointer

    /// Connects to the domain's xenstore.
    /// - Throws: `.noXen` when there is none.
    public init() throws(BalloonError) {
        var opened: OpaquePointer?
        // Unsafe: the shim sets the handle.
        let result = unsafe library_store_open(&opened)
        guard result >= 0, let opened = unsafe opened else {
            throw BalloonError(
                .noXen, "cannot reach xenstore; is /dev/xen/xenbus there, and xenstored running in dom0?",
                errno: -result)
        }
        unsafe handle = opened
    }

    deinit { unsafe library_store_close(handle) }

    public var descriptor: Int32 { unsafe library_store_descriptor(handle) }

    public func read(_ path: String, in transaction: Transaction?) throws(BalloonError) -> [UInt8]? {
        var length: Int64 = 0
        let value = unsafe [UInt8](unsafeUninitializedCapacity: Int(LIBRARY_STORE_VALUE_MAX)) { buffer, count in
            // Unsafe: the shim fills at most a value's length and says how much.
            unsafe length = library_store_read(
                handle, transaction?.number ?? 0, path, buffer.baseAddress, Int(LIBRARY_STORE_VALUE_MAX))
            count = max(0, Int(length))
        }
        if length == -Int64(ENOENT) { return nil }
        try check(length, .store, "cannot read \(path) in xenstore")
        return value
    }

    public func write(_ path: String, _ value: String, in transaction: Transaction?) throws(BalloonError) {
        // Unsafe: C strings for the call; no more than the value's length is read.
        let result = unsafe library_store_write(handle, transaction?.number ?? 0, path, value, value.utf8.count)
        try check(result, .store, "cannot write \(path) in xenstore")
    }

    public func watch(_ path: String, token: String) throws(BalloonError) {
        // Unsafe: C strings for the call.
        let result = unsafe library_store_watch(handle, path, token)
        // -EEXIST: the watch is registered already, which is all that was asked for.
        if result == -EEXIST { return }
        try check(result, .store, "cannot watch \(path) in xenstore")
    }

    public func nextEvent() throws(BalloonError) -> String? {
        var result: Int32 = 0
        let path = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            // Unsafe: the shim ends the path with a NUL within the buffer.
            unsafe result = library_store_next_event(handle, buffer.baseAddress, buffer.count)
            return result > 0 ? unsafe String(cString: buffer.baseAddress!) : ""
        }
        try check(result, .store, "cannot read xenstore's watch events")
        return result > 0 ? path : nil
    }

    /// How often a transaction is tried: a writer that keeps changing what it reads must not keep it here for ever.
    private static let tries = 8

    public func transaction(_ body: (Transaction) throws(BalloonError) -> Void) throws(BalloonError) {
        for attempt in 1...Self.tries {
            var number: UInt32 = 0
            // Unsafe: the shim sets the number.
            try check(unsafe library_store_begin(handle, &number), .store, "cannot begin a xenstore transaction")
            do throws(BalloonError) {
                try body(Transaction(number: number))
            } catch {
                _ = unsafe library_store_end(handle, number, 0)
                throw error
            }
            let result = unsafe library_store_end(handle, number, 1)
            if result == -EAGAIN && attempt < Self.tries { continue }
            try check(result, .store, "cannot commit a xenstore transaction")
            return
        }
    }
}

private func check(
    _ result: some SignedInteger, _ code: BalloonError.Code, _ message: @autoclosure () -> String
) throws(BalloonError) {
    if result < 0 { throw BalloonError(code, message(), errno: Int32(-result)) }
}
