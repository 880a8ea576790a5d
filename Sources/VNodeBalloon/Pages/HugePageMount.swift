internal import CBalloonShim

/// Our hugetlbfs, mounted on `pages` in the state directory.
public struct HugePageMount {
    /// The mount's root. As long as somebody has it open, nobody can unmount it.
    public let root: FileDescriptor

    /// Finds the mount, or makes it. The state directory must be there.
    ///
    /// The mount must be PID 1's: one in a private mount namespace dies with the service and frees every hole.
    /// - Throws: `.privateNamespace`; `.notHugetlbfs` when `pages` is something else; `.noHugePages`; `.system`.
    public init(stateDirectory: String) throws(BalloonError) {
        try Self.checkNamespaces()
        let path = stateDirectory + "/pages"
        try makeDirectory(path)
        var directory = try Self.open(path)
        if try !Self.isHugetlbfs(directory) {
            try Self.checkUnused(directory, path, parent: stateDirectory)
            // Unsafe: Swift lends the shim a C string for the call.
            let mounted = unsafe cb_mount_hugetlbfs(path)
            try check(mounted, .noHugePages, "cannot mount a hugetlbfs of 2 MiB pages on \(path)")
            directory = try Self.open(path)
        }
        let info = try directory.info()
        guard info.owner == 0, info.mode & 0o077 == 0 else {
            throw BalloonError(
                .notHugetlbfs, "the hugetlbfs on \(path) is open to others; mount it with uid=0,mode=0700")
        }
        root = directory
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
