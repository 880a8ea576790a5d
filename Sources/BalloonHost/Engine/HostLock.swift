internal import CBalloonShim
internal import Glibc

/// One writer at a time. All that is known stands in xenstore, so a writer needs no other process: it takes its turn.
public final class HostLock {
    public static let standardDirectory = "/run/vnode-balloon"
    /// How long this process waits for the turn of another one.
    static let patience: Interval = .seconds(5)

    private let file: FileDescriptor

    /// The one turn: held for as long as the object lives.
    /// - Throws: `.busy` when another process has it for longer than five seconds; `.environment`.
    public static func turn(in directory: String = standardDirectory) throws(BalloonError) -> HostLock {
        let end = Moment.now + patience
        while true {
            if let lock = try HostLock(directory, "host.lock") { return lock }
            guard Moment.now < end else {
                throw BalloonError(
                    .busy, "another `balloonctl host` has been writing for more than 5 s; is one of them stopped?")
            }
            sleep(for: .milliseconds(20))
        }
    }

    /// The daemon's: there is one. nil: another process has it.
    public static func daemon(in directory: String = standardDirectory) throws(BalloonError) -> HostLock? {
        try HostLock(directory, "host-watch.lock")
    }

    private init?(_ directory: String, _ name: String) throws(BalloonError) {
        try makeDirectory(directory)
        file = try .open("\(directory)/\(name)", .create, code: .environment, "cannot open \(directory)/\(name)")
        let result = cb_file_lock(file.rawValue)
        if result == -EWOULDBLOCK { return nil }
        try check(result, .environment, "cannot lock \(directory)/\(name)")
    }
}
