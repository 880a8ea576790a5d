internal import CBalloonShim
internal import Glibc

/// What is kept over a restart of the process, and ends with the guest.
package protocol StateKeeper: AnyObject {
    /// Where it is kept, for messages.
    var path: String { get }
    /// Sizes that an administrator forced, by vnode.
    /// - Throws: `.busy`, `.descriptors`: it is not known what was forced.
    func forced() throws(BalloonError) -> [Int: KiB]
    /// - Throws: `.system`.
    func setForced(_ forced: [Int: KiB]) throws(BalloonError)
    /// Whether memory/target was seen to be absent since the boot.
    /// - Throws: `.busy`, `.descriptors`: nobody knows.
    func wasLegacyTargetAbsent() throws(BalloonError) -> Bool
    /// - Throws: `.system`.
    func noteLegacyTargetAbsent() throws(BalloonError)
    /// Whose the pages of the nodes' pools are, as ``PoolShares/note(ours:)`` writes it; nil: nothing was noted.
    /// - Throws: `.busy`, `.descriptors`: nobody knows.
    func poolNote() throws(BalloonError) -> String?
    /// - Throws: `.system`.
    func notePools(_ note: String) throws(BalloonError)
}

/// The state directory (/run/vnode-balloon): the lock, sizes that were forced, what was seen of memory/target, and whose the
/// pages of the nodes' pools are.
///
/// It ends with the boot, on purpose: balloons do, too.
public final class StateDirectory: StateKeeper {
    public static let standardPath = "/run/vnode-balloon"
    /// How long a lock is waited for.
    public static let lockTimeout: Interval = .seconds(5)

    public let path: String
    private var lockFile: FileDescriptor?

    /// Makes the directory, mode 0700, where it is missing.
    /// - Throws: `.environment` when it cannot be made, is no directory, belongs to somebody else or is open to others.
    public init(path: String) throws(BalloonError) {
        self.path = path
        try Self.examine(path)
        try makeDirectory(path)
        // The directory that was made here, or that another process made meanwhile.
        try Self.examine(path)
    }

    /// The checks alone; changes nothing. A directory that is not there yet is fine where it can be made.
    /// - Throws: `.environment`.
    public static func examine(_ path: String) throws(BalloonError) {
        do throws(BalloonError) {
            _ = try FileInfo(path: path, "")
        } catch {
            guard error.errno == ENOENT else { throw unusable(path, error.errno) }
            return try examineParent(of: path)
        }
        do throws(BalloonError) {
            let info = try FileDescriptor.open(path, .directory, "").info()
            if info.owner == cb_effective_user(), info.mode & 0o077 == 0 { return }
        } catch {
            throw unusable(path, error.errno)
        }
        throw BalloonError(
            .environment,
            "the state directory \(path) is open to others than root; run: chown root \(path) && chmod 0700 \(path)")
    }

    private static func examineParent(of path: String) throws(BalloonError) {
        let parent = path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
        do throws(BalloonError) {
            _ = try FileDescriptor.open(parent.isEmpty ? "/" : parent, .directory, "")
        } catch {
            // A symbolic link is followed by mkdir, and so is fine: /var/run.
            guard error.errno == ENOENT else { return }
            throw BalloonError(
                .environment,
                "the state directory \(path) cannot be made: \(parent) does not exist; make it, or use another"
                    + " --state-dir")
        }
    }

    private static func unusable(_ path: String, _ errno: Int32?) -> BalloonError {
        BalloonError(
            .environment, "\(path) is no directory that could keep our state; move it away or use another --state-dir",
            errno: errno)
    }

    public var controlSocketPath: String { path + "/control.sock" }
    /// Our hugetlbfs.
    public var pagesPath: String { path + "/pages" }
    public var holderSocketPath: String { Self.holderSocketPath(path) }
    static func holderSocketPath(_ path: String) -> String { path + "/hold.sock" }

    private var managedHolderPath: String { path + "/hold.managed" }

    /// A service's holder is there, or ended without being told to.
    var hasManagedHolder: Bool {
        do throws(BalloonError) {
            _ = try FileInfo(path: managedHolderPath, "")
            return true
        } catch {
            return error.errno != ENOENT && error.errno != ENOTDIR
        }
    }

    /// A holder that is a service begins.
    /// - Throws: `.system`.
    func noteManagedHolder() throws(BalloonError) {
        _ = try FileDescriptor.open(managedHolderPath, .create, "cannot make \(managedHolderPath)")
    }

    /// The holder keeps nothing, and ends because a client told it to.
    func forgetManagedHolder() {
        // Unsafe: a C string for the call.
        _ = unsafe cb_file_remove(managedHolderPath)
    }

    /// Takes the lock: one process moves memory.
    /// - Throws: `.busy` when another one still has it after `timeout`.
    public func lock(timeout: Interval = StateDirectory.lockTimeout) throws(BalloonError) {
        let file = try FileDescriptor.open(
            path + "/lock", .create, code: .environment,
            "cannot write in the state directory: \(path)/lock does not open; mend that or use another --state-dir")
        let end = Moment.now + timeout
        while true {
            let result = cb_file_lock(file.rawValue)
            if result >= 0 { break }
            guard result == -EWOULDBLOCK else {
                throw BalloonError(.system, "cannot lock \(path)/lock", errno: -result)
            }
            guard Moment.now < end else {
                throw BalloonError(
                    .busy,
                    "another balloonctl has the lock of \(path); a daemon that does not answer must be ended first")
            }
            sleep(for: .milliseconds(50))
        }
        lockFile = file
    }

    // MARK: Forced sizes

    /// Sizes that an administrator forced, by vnode. A line that is none counts for nothing.
    /// - Throws: `.busy`, `.descriptors`: it is not known what was forced.
    public func forced() throws(BalloonError) -> [Int: KiB] {
        guard let bytes = try readIfThere(forcedPath) else { return [:] }
        var forced: [Int: KiB] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 2, let vnode = Int(words[0]), let kib = UInt64(words[1]) else { continue }
            forced[vnode] = KiB(kib)
        }
        return forced
    }

    /// Keeps the forced sizes over a restart.
    /// - Throws: `.system`.
    public func setForced(_ forced: [Int: KiB]) throws(BalloonError) {
        let text = forced.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)\n" }.joined()
        try replaceFile(forcedPath, text)
    }

    private var forcedPath: String { path + "/forced" }

    // MARK: memory/target

    /// Whether memory/target was seen to be absent since the boot.
    /// - Throws: `.busy`, `.descriptors`: nobody knows.
    public func wasLegacyTargetAbsent() throws(BalloonError) -> Bool {
        try readIfThere(path + "/legacy-target-absent") != nil
    }

    /// nil: there is no such file. What cannot be read is not absent.
    private func readIfThere(_ file: String) throws(BalloonError) -> [UInt8]? {
        do throws(BalloonError) { return try readFile(file, limit: 4096) } catch {
            if error.errno == ENOENT { return nil }
            let why = "cannot read \(file), and what it says counts"
            try check(-(error.errno ?? EIO), .busy, why)
            throw error
        }
    }

    public func noteLegacyTargetAbsent() throws(BalloonError) { try replaceFile(path + "/legacy-target-absent", "1\n") }

    // MARK: The nodes' pools

    private var poolsPath: String { path + "/pools-shared" }

    public func poolNote() throws(BalloonError) -> String? {
        try readIfThere(poolsPath).map { String(decoding: $0, as: UTF8.self) }
    }

    public func notePools(_ note: String) throws(BalloonError) { try replaceFile(poolsPath, note) }
}
