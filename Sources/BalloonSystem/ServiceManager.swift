package import BalloonCore
internal import CBalloonShim
internal import Glibc

/// The service manager, where there is one: sd_notify(3), sd_listen_fds(3).
package enum ServiceManager {
    /// Whether this process is a service that reports to it.
    package static let isPresent = {
        // Unsafe: a C string for the call.
        unsafe cb_has_environment("NOTIFY_SOCKET")
    }()

    /// The time after which it ends a service that it heard nothing of (WatchdogSec); nil: never.
    package static let patience: Interval? = {
        let microseconds = cb_watchdog_microseconds()
        return microseconds > 0 ? .microseconds(microseconds) : nil
    }()

    /// Best effort; nothing without a service manager. One that does not listen is waited for only where it may be.
    /// - Returns: false when it was not sent: it would have had to wait, or no socket could be had for it.
    @discardableResult
    package static func notify(_ state: String, _ descriptor: FileDescriptor? = nil, mayWait: Bool = false) -> Bool {
        // Unsafe: a C string for the call.
        unsafe cb_notify(state, descriptor?.rawValue ?? -1, mayWait) >= 0
    }

    /// What was left in the service's descriptor store by a process before this one, with names. Once.
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
