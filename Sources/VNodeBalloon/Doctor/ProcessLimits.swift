/// What the kernel lets a process have, as /proc shows it: the daemon's, or our own.
struct ProcessLimits {
    /// nil: no limit, or not known.
    var descriptors: UInt64?
    var fileBytes: UInt64?
    var lockedBytes: UInt64?
    /// Its cpuset's nodes; nil: not known.
    var nodes: Set<Int>?
    /// The least that a hugetlb cgroup above it allows, in bytes of 2 MiB pages; nil: no limit.
    var hugeBytes: UInt64?
    /// The process may raise its limit of locked memory, or needs none (CAP_SYS_RESOURCE, CAP_IPC_LOCK).
    var mayLockAll = false

    /// - Parameter process: its number, or `self`.
    init(process: String, root: String = "") {
        let limits = Self.lines(root + "/proc/\(process)/limits")
        descriptors = Self.soft("Max open files", limits)
        fileBytes = Self.soft("Max file size", limits)
        lockedBytes = Self.soft("Max locked memory", limits)
        for line in Self.lines(root + "/proc/\(process)/status") {
            let words = line.split { $0 == "\t" || $0 == " " }
            guard words.count == 2 else { continue }
            if words[0] == "Mems_allowed_list:" { nodes = Self.list(words[1]) }
            // 14 and 24 are the numbers of those two.
            if words[0] == "CapEff:", let bits = UInt64(words[1], radix: 16) {
                mayLockAll = bits & (1 << 14 | 1 << 24) != 0
            }
        }
        hugeBytes = Self.lines(root + "/proc/\(process)/cgroup").compactMap { Self.hugeBytes($0, root) }.min()
    }

    private static func lines(_ path: String) -> [String] {
        String(decoding: (try? readFile(path, limit: 64 << 10)) ?? [], as: UTF8.self)
            .split(separator: "\n").map(String.init)
    }

    /// "Max open files            1024                 1048576              files": the first number.
    private static func soft(_ name: String, _ lines: [String]) -> UInt64? {
        guard let line = lines.first(where: { $0.hasPrefix(name + " ") }) else { return nil }
        return line.dropFirst(name.utf8.count).split(separator: " ").first.flatMap { UInt64($0) }
    }

    /// "0-2,5"
    static func list(_ text: Substring) -> Set<Int>? {
        var numbers: Set<Int> = []
        for part in text.split(separator: ",") {
            let ends = part.split(separator: "-").map { Int($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last, last < 1 << 16 else {
                return nil
            }
            numbers.formUnion(first...last)
        }
        return numbers
    }

    /// Of a line of /proc/PID/cgroup: `0::/a/b`, or `5:hugetlb:/a/b` where each controller has its own tree. Each level
    /// counts.
    private static func hugeBytes(_ line: String, _ root: String) -> UInt64? {
        let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        let isOne = parts[0] == "0" && parts[1].isEmpty
        guard isOne || parts[1].split(separator: ",").contains("hugetlb") else { return nil }
        let top = root + (isOne ? "/sys/fs/cgroup" : "/sys/fs/cgroup/hugetlb")
        let name = isOne ? "hugetlb.2MB.max" : "hugetlb.2MB.limit_in_bytes"
        var (path, least): (String, UInt64?) = (top, nil)
        for level in [""] + parts[2].split(separator: "/").map({ "/" + $0 }) {
            path += level
            // Where there is no limit the text is a word, or nearly 2^63.
            guard let bytes = lines(path + "/" + name).first.flatMap({ UInt64($0) }), bytes < 1 << 62 else { continue }
            least = min(least ?? bytes, bytes)
        }
        return least
    }
}
