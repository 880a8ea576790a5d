internal import CBalloonShim
internal import Glibc

/// One writer a guest, whatever its state directory, its mount namespace or its root directory.
///
/// The lock lies on a device of Xen's that every writer opens, as process 1 sees it: the path goes through /proc/1/root, so
/// a root or a /dev of one's own leads to the same inode. That there is one process 1 is checked elsewhere
/// (``HugePageMount/checkNamespaces()``). Only root may open the device, so nobody else can keep us from the lock.
final class GuestLock {
    private let device: FileDescriptor

    /// - Parameter timeout: how long another one is waited for.
    /// - Throws: `.busy` when another process has it after that time; `.environment`.
    init(
        _ kind: GuestKind, stateDirectory: String, timeout: Interval = StateDirectory.lockTimeout
    ) throws(BalloonError) {
        // A PV guest needs no privcmd; xenbus is there where xenstore is.
        let path = "/proc/1/root/dev/xen/" + (kind == .pv ? "xenbus" : "privcmd")
        device = try Self.take(path, stateDirectory: stateDirectory, timeout: timeout)
    }

    /// The same on any file.
    static func take(_ path: String, stateDirectory: String, timeout: Interval) throws(BalloonError) -> FileDescriptor {
        let file = try FileDescriptor.open(
            path, .read, code: .environment,
            "cannot open \(path), which is locked while this guest's memory moves; is /proc mounted?")
        let end = Moment.now + timeout
        while true {
            let result = cb_file_lock(file.rawValue)
            if result >= 0 { return file }
            guard result == -EWOULDBLOCK else {
                throw BalloonError(.system, "cannot lock \(path)", errno: -result)
            }
            guard Moment.now < end else { throw taken(try file.info(), stateDirectory) }
            sleep(for: .milliseconds(50))
        }
    }

    private static func taken(_ info: FileInfo, _ stateDirectory: String) -> BalloonError {
        let process = cb_lock_owner(info.device, info.inode)
        let who = process > 0 ? "process \(process)" : "another process"
        return BalloonError(
            .busy,
            "\(who) has the lock of this guest's memory, and another state directory than \(stateDirectory): end it, or use"
                + " its --state-dir")
    }
}
