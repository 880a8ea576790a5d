internal import CBalloonShim
internal import Glibc

/// Our hugetlbfs, mounted on `pages` in the state directory.
public struct HugePageMount {
    /// The mount's root. As long as a process has it open, it cannot be unmounted.
    public let root: FileDescriptor

    /// Finds the mount, or makes it. The state directory must be there.
    ///
    /// The mount must be PID 1's: one in a private mount namespace dies with the service and frees every hole.
    /// - Throws: `.privateNamespace`; `.notHugetlbfs` when `pages` is something else; `.noHugePages`; `.environment`.
    public init(stateDirectory: String) throws(BalloonError) {
        try Self.checkNamespaces()
        let path = stateDirectory + "/pages"
        try makeDirectory(path)
        if let mounted = try Self.mounted(path, parent: stateDirectory) {
            root = mounted
            return
        }
        // Unsafe: Swift lends the shim a C string for the call.
        let result = unsafe cb_mount_hugetlbfs(path)
        try check(result, .noHugePages, "cannot mount a hugetlbfs of 2 MiB pages on \(path)")
        guard let mounted = try Self.mounted(path, parent: stateDirectory) else {
            throw BalloonError(.notHugetlbfs, "somebody unmounted \(path) meanwhile; start again")
        }
        root = mounted
    }

    /// The checks alone, before anything is made or locked: what is on `pages` is ours, or nothing is there yet.
    /// - Throws: `.notHugetlbfs`; `.noHugePages`.
    public static func examine(stateDirectory: String) throws(BalloonError) {
        let path = stateDirectory + "/pages"
        do throws(BalloonError) {
            _ = try FileInfo(path: path, "")
        } catch {
            if error.errno == ENOENT { return try checkSupport() }
        }
        if try mounted(path, parent: stateDirectory) == nil { try checkSupport() }
    }

    /// - Throws: `.noHugePages` where the kernel has none; `.descriptors`, `.system` where it cannot be asked.
    public static func checkSupport() throws(BalloonError) {
        do throws(BalloonError) {
            _ = try readNumber("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")
        } catch {
            guard error.errno == ENOENT else { throw error }
            throw BalloonError(.noHugePages, "the kernel has no 2 MiB huge pages; it needs CONFIG_HUGETLBFS")
        }
    }

    /// What is mounted on a path: ours, or nil where nothing is yet.
    /// - Throws: `.notHugetlbfs` for anything else.
    private static func mounted(_ path: String, parent: String) throws(BalloonError) -> FileDescriptor? {
        let directory = try open(path)
        guard try isHugetlbfs(directory) else {
            try checkUnused(directory, path, parent: parent)
            return nil
        }
        let info = try directory.info()
        guard info.owner == 0, info.mode & 0o077 == 0 else {
            throw BalloonError(
                .notHugetlbfs, "the hugetlbfs on \(path) is open to others; mount it with uid=0,mode=0700")
        }
        return directory
    }

    /// Checks that this process sees the mounts that PID 1 sees, on the machine itself and not in a container.
    /// - Throws: `.privateNamespace` if not.
    public static func checkNamespaces() throws(BalloonError) {
        let advice =
            "the balloon's hugetlbfs would be mounted in a private mount namespace, and freed with it;"
            + " run this outside of containers and unshare, and remove the sandbox options (Private*, Protect*,"
            + " ReadWritePaths) from the systemd unit"
        let ours = try FileInfo(path: "/proc/self/ns/mnt", code: .privateNamespace, advice)
        let inits = try FileInfo(path: "/proc/1/ns/mnt", code: .privateNamespace, advice)
        // In a container PID 1 is the container's. The first PID namespace has a fixed number in Linux.
        let pids = try FileInfo(path: "/proc/self/ns/pid", code: .privateNamespace, advice)
        guard ours.device == inits.device, ours.inode == inits.inode, pids.inode == initialPIDNamespace else {
            throw BalloonError(.privateNamespace, advice)
        }
    }

    /// PROC_PID_INIT_INO of include/linux/proc_ns.h.
    private static let initialPIDNamespace: UInt64 = 0xEFFF_FFFC

    /// Whether a descriptor is on a hugetlbfs of 2 MiB pages.
    static func isHugetlbfs(_ descriptor: FileDescriptor) throws(BalloonError) -> Bool {
        let fileSystem = try descriptor.fileSystem()
        return fileSystem.magic == UInt64(CB_HUGETLBFS_MAGIC) && fileSystem.blockBytes == SlotFile.slotBytes
    }

    private static func open(_ path: String) throws(BalloonError) -> FileDescriptor {
        try .open(
            path, .directory, code: .notHugetlbfs,
            "\(path) is not a directory; move it away or use another --state-dir")
    }

    /// Mounting over something would hide it, and files there would be taken for ours.
    private static func checkUnused(
        _ directory: FileDescriptor, _ path: String, parent: String
    ) throws(BalloonError) {
        let above = try FileInfo(path: parent, "cannot stat \(parent)")
        let entries = try check(cb_directory_entries(directory.rawValue), "cannot list \(path)")
        guard try directory.info().device == above.device, entries == 0 else {
            throw BalloonError(
                .notHugetlbfs,
                "\(path) is in use and is not our hugetlbfs of 2 MiB pages; unmount or empty it,"
                    + " or use another --state-dir")
        }
    }
}
