// Limits that a service manager or an administrator sets. Each has its own name, which `status` and the log use, too.
extension Doctor {
    /// - Parameter process: the daemon's number where one runs, else `self`.
    static func limits(of vnodes: [VNode], _ limits: ProcessLimits) -> [Check] {
        [
            descriptors(vnodes, limits), fileSize(vnodes, limits), memlock(limits), cpuset(vnodes, limits),
            cgroup(vnodes, limits), fakeNodes(),
        ]
    }

    /// One descriptor pins 128 MiB. Files, sockets and the files of /proc that stay open need fewer than this many.
    private static let pinnedByDescriptor: KiB = .mib(128)
    private static let otherDescriptors: UInt64 = 64

    private static func descriptors(_ vnodes: [VNode], _ limits: ProcessLimits) -> Check {
        let needed = vnodes.reduce(otherDescriptors) { $0 + $1.size / pinnedByDescriptor + 1 }
        return check("descriptors", .later, isFine: limits.descriptors ?? .max >= needed) {
            "at most \(limits.descriptors ?? 0) files may be open, and all of this memory needs \(needed):"
                + " raise LimitNOFILE= (ulimit -n)"
        }
    }

    private static func fileSize(_ vnodes: [VNode], _ limits: ProcessLimits) -> Check {
        let largest = vnodes.map(\.size).max() ?? .zero
        return check("file-size", .later, isFine: limits.fileBytes ?? .max >= largest.bytes) {
            "a file may have \(Size.text(KiB(wholeOfBytes: limits.fileBytes ?? 0))) at most, and a vnode has"
                + " \(Size.text(largest)): raise LimitFSIZE= (ulimit -f)"
        }
    }

    private static func memlock(_ limits: ProcessLimits) -> Check {
        check("memlock", .advice, isFine: limits.lockedBytes == nil || limits.mayLockAll) {
            "the daemon cannot be locked in memory, and may have to wait for memory to give some back: set"
                + " LimitMEMLOCK=infinity"
        }
    }

    private static func cpuset(_ vnodes: [VNode], _ limits: ProcessLimits) -> Check {
        let missing = vnodes.compactMap(\.linuxNode).filter { limits.nodes?.contains($0) == false }
        return check("cpuset", .later, isFine: missing.isEmpty) {
            "the cpuset leaves out node \(missing.map { "\($0)" }.joined(separator: ", ")), so nothing of it can be given:"
                + " take it into cpuset.mems (AllowedMemoryNodes=)"
        }
    }

    private static func cgroup(_ vnodes: [VNode], _ limits: ProcessLimits) -> Check {
        let sum = vnodes.reduce(.zero) { $0 + $1.size }
        return check("cgroup", .later, isFine: limits.hugeBytes ?? .max >= sum.bytes) {
            "a hugetlb cgroup allows \(Size.text(KiB(wholeOfBytes: limits.hugeBytes ?? 0))) of 2 MiB pages, of"
                + " \(Size.text(sum)): raise hugetlb.2MB.max"
        }
    }

    private static func fakeNodes() -> Check {
        let line = String(decoding: (try? readFile("/proc/cmdline", limit: 64 << 10)) ?? [], as: UTF8.self)
        return check("numa-fake", .later, isFine: !line.split(separator: " ").contains { $0.hasPrefix("numa=fake") }) {
            "the kernel was booted with numa=fake: its nodes are not the vnodes; boot without it"
        }
    }

    static func check(_ name: String, _ level: Level, isFine: Bool, _ fix: () -> String) -> Check {
        Check(name: name, isFine: isFine, level: level, fix: isFine ? nil : fix())
    }
}
