internal import CBalloonShim
internal import Glibc

/// A new holder in place of one that runs: after an update the old one is a program that is not on the disk any more.
public enum HolderTakeover {
    /// Gets all that the holder keeps, ends it, and has a new one keep it. At no moment is a page without a pin: this
    /// process has them, and systemd where it stores them.
    ///
    /// - Parameter complain: called with each failure after the old holder's end. This process then goes on trying: no
    ///   other process has the pins.
    /// - Returns: how many descriptors there were; nil: no holder runs.
    /// - Throws: `.busy`: it does not answer; then it is left alone. `.environment`, `.descriptors`, `.system`.
    static func run(
        state: StateDirectory, complain: (BalloonError) -> Void
    ) throws(BalloonError) -> Int? {
        _ = cb_descriptors_raise()
        let client = HolderClient(state: state)
        guard let count = try client.takeAll() else { return nil }
        guard let old = process(client) else {
            throw BalloonError(.busy, "the holder of the pins has just ended; run this again")
        }
        guard count > 0 else {
            // It keeps nothing, so it ends when it is asked to, and a new one is started when there is something.
            client.dropAll()
            return 0
        }
        // From here on neither Ctrl-C nor a terminal that closes may end this process: only it has the pins.
        let signals = try SignalSource()
        defer { withExtendedLifetime(signals) {} }
        guard kill(old, SIGKILL) == 0 else {
            throw BalloonError(.system, "cannot end the holder of the pins, process \(old)", errno: errno)
        }
        let end = Moment.now + .seconds(5)
        while process(client) == old, Moment.now < end { sleep(for: .milliseconds(1)) }
        while true {
            do throws(BalloonError) {
                try client.restoreIfLost()
                return count
            } catch {
                complain(error)
                sleep(for: .seconds(1))
            }
        }
    }

    /// - Throws: `.environment`: the holder that runs is another program than this one.
    static func checkProgram(_ stateDirectory: String) throws(BalloonError) {
        guard (try? FileInfo(path: stateDirectory, "")) != nil, let state = try? StateDirectory(path: stateDirectory)
        else { return }
        let client = HolderClient(state: state)
        guard (try? client.takeAll(names: [])) != nil, let holder = process(client),
            let theirs = try? FileInfo(path: "/proc/\(holder)/exe", ""),
            let ours = try? FileInfo(path: "/proc/self/exe", ""),
            theirs.device != ours.device || theirs.inode != ours.inode
        else { return }
        throw BalloonError(
            .environment,
            "the holder of the pins (process \(holder)) is another program than this one, as after an update; run:"
                + " balloonctl hold --take-over (no page loses its pin meanwhile)")
    }

    /// The process at the other end.
    private static func process(_ client: HolderClient) -> Int32? {
        guard let descriptor = client.descriptor, cb_socket_is_open(descriptor) == 1 else { return nil }
        var user: UInt32 = .max
        var process: Int32 = 0
        // Unsafe: the shim sets both numbers.
        guard unsafe cb_socket_peer(descriptor, &user, &process) >= 0, process > 0 else { return nil }
        return process
    }
}
