internal import CBalloonShim
internal import Glibc

/// The name and text of an error number: "EPERM: Operation not permitted".
public func errnoText(_ number: Int32) -> String {
    // Unsafe: the shim writes a NUL-ended text of at most this length.
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { text in
        unsafe cb_error_text(number, text.baseAddress, text.count)
        return unsafe String(cString: text.baseAddress!)
    }
}

/// Turns the shim's -errno into an error with this code. A result >= 0 is returned.
@inline(__always)
@discardableResult
package func check<T: SignedInteger>(
    _ result: T, _ code: BalloonError.Code, vnode: Int? = nil, _ message: @autoclosure () -> String
) throws(BalloonError) -> T {
    if result >= 0 { return result }
    let errno = Int32(-result)
    if errno == EFBIG {
        throw BalloonError(
            .fileSize, "\(message()): this process may make no file so large (LimitFSIZE=, ulimit -f)", errno: errno,
            vnode: vnode)
    }
    throw BalloonError(code, message(), errno: errno, vnode: vnode)
}

/// Does the same with the code `.system`, for a plain system call.
@inline(__always)
@discardableResult
package func check<T: SignedInteger>(
    _ result: T, vnode: Int? = nil, _ message: @autoclosure () -> String
) throws(BalloonError) -> T {
    try check(result, .system, vnode: vnode, message())
}
