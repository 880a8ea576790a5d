internal import CBalloonShim
internal import Glibc

/// A lock for one writer at a time. All state is in xenstore, so a writer needs no other process: it waits for its
/// turn.
public final class HostLock {
    public static let standardDirectory = "/run/vnode-balloon"
    /// How long the daemon waits for another process's turn. A command waits longer: the other process may itself wait
    /// for a xenstored that does not answer.
    public static let patience: Interval = .seconds(5)

    private let file: FileDescriptor

    /// The turn to write, held as long as the object lives.
    /// - Parameter whileWaiting: called again and again while another process has it.
    /// - Throws: `.busy` when another process has it for longer than `patience`; `.environment`.
    public static func turn(
        in directory: String = standardDirectory, patience: Interval = patience, whileWaiting: () -> Void = {}
    ) throws(BalloonError) -> HostLock {
        let end = Moment.now + patience
        while true {
            if let lock = try HostLock(directory, "host.lock") { return lock }
            guard Moment.now < end else {
                throw BalloonError(
                    .busy,
                    "another `balloonctl host` has been writing for more than \(patience.wholeSeconds) s;"
                        + " is one of them stopped?")
            }
            whileWaiting()
            sleep(for: .milliseconds(20))
        }
    }

    /// The lock of the one daemon. nil: another process has it.
    public static func daemon(in directory: String = standardDirectory) throws(BalloonError) -> HostLock? {
        try HostLock(directory, daemonName)
    }

    private static let daemonName = "host-watch.lock"

    /// Whether the daemon runs, without taking its lock: a daemon that starts at that moment would end.
    /// - Returns: nil where that is not known.
    public static func hasDaemon(in directory: String = standardDirectory) -> Bool? {
        do throws(BalloonError) {
            let file = try FileInfo(path: "\(directory)/\(daemonName)", "cannot stat the daemon's lock")
            let owner = cb_lock_owner(file.device, file.inode)
            return owner < 0 ? nil : owner > 0
        } catch { return error.errno == ENOENT ? false : nil }
    }

    /// The lock of a process that keeps a reservation. nil: another process has it.
    /// - Parameter id: the reservation's number.
    public static func reservation(
        _ id: String, in directory: String = standardDirectory
    ) throws(BalloonError) -> HostLock? {
        try HostLock(directory, reservationName(id))
    }

    private static func reservationName(_ id: String) -> String { "reservation-\(id).lock" }

    /// Whether a process keeps the reservation. Only a process whose turn it is may ask: it takes the lock for a moment.
    /// What cannot be known counts as kept.
    public static func isKept(_ id: String, in directory: String = standardDirectory) -> Bool {
        do throws(BalloonError) {
            guard let lock = try reservation(id, in: directory) else { return true }
            withExtendedLifetime(lock) { forget(id, in: directory) }
            return false
        } catch { return true }
    }

    /// Removes the file of a reservation that is no more.
    public static func forget(_ id: String, in directory: String = standardDirectory) {
        // Unsafe: a C string for the call.
        _ = unsafe cb_file_remove("\(directory)/\(reservationName(id))")
    }

    private init?(_ directory: String, _ name: String) throws(BalloonError) {
        try makeDirectory(directory)
        file = try .open("\(directory)/\(name)", .create, code: .environment, "cannot open \(directory)/\(name)")
        let result = cb_file_lock(file.rawValue)
        if result == -EWOULDBLOCK { return nil }
        try check(result, .environment, "cannot lock \(directory)/\(name)")
    }
}
