package import BalloonCore
internal import CBalloonShim
internal import Glibc

/// The service manager, where there is one: sd_notify(3), sd_listen_fds(3).
package enum ServiceManager {
    /// Whether this process is a service that reports to a service manager.
    package static let isPresent = {
        // Unsafe: a C string for the call.
        unsafe cb_has_environment("NOTIFY_SOCKET")
    }()

    /// How long the service manager waits for a sign before it ends the service (WatchdogSec); nil: no limit.
    package static let patience: Interval? = {
        let microseconds = cb_watchdog_microseconds()
        return microseconds > 0 ? .microseconds(microseconds) : nil
    }()

    /// Sends a message, as far as possible. Without a service manager it does nothing. With `mayWait` it waits for one
    /// that does not listen yet.
    /// - Returns: false when nothing was sent: the call would have had to wait, or no socket could be opened.
    @discardableResult
    package static func notify(_ state: String, _ descriptor: FileDescriptor? = nil, mayWait: Bool = false) -> Bool {
        // Unsafe: a C string for the call.
        unsafe cb_notify(state, descriptor?.rawValue ?? -1, mayWait) >= 0
    }

    /// The descriptors that an earlier process left in the service's descriptor store, with their names. Callable once.
    package static func storedDescriptors() -> [(name: String, descriptor: FileDescriptor)] {
        var names = ""
        var count: Int32 = 0
        // Unsafe: the shim writes a NUL-ended text of at most this length: an environment variable has no more.
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128 << 10) { text in
            unsafe count = cb_stored_descriptors(text.baseAddress, text.count)
            if count > 0 { names = unsafe String(cString: text.baseAddress!) }
        }
        let descriptors = (0..<max(0, count)).map { FileDescriptor(CB_FIRST_STORED + $0) }
        return zip(names.split(separator: ":", omittingEmptySubsequences: false).map(String.init), descriptors).map {
            (name: $0, descriptor: $1)
        }
    }
}
