package import BalloonCore
internal import CBalloonShim
internal import Glibc

/// One alarm on the monotonic clock.
package struct AlarmSource {
    package let descriptor: FileDescriptor

    package init() throws(BalloonError) {
        descriptor = FileDescriptor(try check(cb_timer_descriptor(), "cannot make a timerfd"))
    }

    /// Goes off at `due`; nil: never.
    package func set(_ due: Moment?, now: Moment) throws(BalloonError) {
        // 0 would disarm it.
        let delay = due.map { $0 > now ? $0 - now : .nanoseconds(1) } ?? .zero
        try check(cb_timer_set(descriptor.rawValue, delay.nanoseconds), "cannot set a timer")
    }

    package func clear() { _ = cb_timer_clear(descriptor.rawValue) }
}

/// Notices when a program writes to certain files (inotify).
package struct WriteWatch {
    package let descriptor: FileDescriptor

    /// - Throws: `.system`, `.descriptors`: at least one of the files is not watched.
    package init(paths: [String]) throws(BalloonError) {
        descriptor = FileDescriptor(try check(cb_watch_create(), "cannot watch files (inotify)"))
        for path in paths {
            // Unsafe: a C string for the call.
            let result = unsafe cb_watch_written(descriptor.rawValue, path)
            // A kernel without NUMA does not have all of these files.
            if result == -ENOENT { continue }
            try check(result, "cannot watch \(path) (inotify)")
        }
    }

    /// Takes all events.
    package func clear() { _ = cb_watch_clear(descriptor.rawValue) }
}

/// Notices when other programs change the files of a directory (inotify). An event is only a hint: the caller then
/// checks the files itself.
package struct DirectoryWatch {
    package let descriptor: FileDescriptor

    /// - Throws: `.system`.
    package init(path: String) throws(BalloonError) {
        // Unsafe: a C string for the call.
        let watch = unsafe cb_watch_directory(path)
        descriptor = FileDescriptor(try check(watch, "cannot watch \(path) (inotify)"))
    }

    /// Takes all events.
    package func clear() { _ = cb_watch_clear(descriptor.rawValue) }
}
