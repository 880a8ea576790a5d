internal import CBalloonShim
internal import Glibc

/// One writer a guest, whatever its state directory, its mount namespace or its root directory.
///
/// The locks lie on devices of Xen's, as process 1 sees them: xenbus, which is there where xenstore is, and privcmd, which the
/// kernel module's mover does not need. Every writer takes both, as far as they are there. The path goes through /proc/1/root, so
/// a root or a /dev of one's own leads to the same inode. That there is one process 1 is checked elsewhere
/// (``HugePageMount/checkNamespaces()``). Only root may open the device, so nobody else can keep us from the lock.
final class GuestLock {
    private let devices: [FileDescriptor]

    /// - Parameter timeout: how long another one is waited for.
    /// - Throws: `.busy` when another process has it after that time; `.environment`.
    init(
        _ kind: GuestKind, stateDirectory: String, timeout: Interval = StateDirectory.lockTimeout
    ) throws(BalloonError) {
        // In a PV guest privcmd is no writer's.
        let names = kind == .pv ? ["xenbus"] : ["privcmd", "xenbus"]
        devices = try Self.takeAll(
            names.map { "/proc/1/root/dev/xen/" + $0 }, stateDirectory: stateDirectory, timeout: timeout)
    }

    /// The locks of all files that are there, in this order.
    /// - Throws: the same; `.environment` where none of them is there.
    static func takeAll(
        _ paths: [String], stateDirectory: String, timeout: Interval
    ) throws(BalloonError) -> [FileDescriptor] {
        var taken: [FileDescriptor] = []
        for path in paths {
            do throws(BalloonError) {
                taken.append(try take(path, stateDirectory: stateDirectory, timeout: timeout))
            } catch {
                let isNoneLeft = taken.isEmpty && path == paths.last
                guard error.errno == ENOENT, !isNoneLeft else { throw error }
            }
        }
        return taken
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
