import Glibc
import Testing

@testable import VNodeBalloon

/// Limits of the process that break a move in unexpected places: `doctor` names each of them.
@Suite struct LimitTests {
    static let vnodes = [
        VNode(number: 0, linuxNode: 0, size: .gib(1)), VNode(number: 1, linuxNode: 1, size: .gib(1)),
    ]

    static func faults(_ change: (inout ProcessLimits) -> Void) -> [String] {
        var limits = ProcessLimits(process: "self", root: "/nowhere")
        limits.nodes = [0, 1]
        limits.mayLockAll = true
        change(&limits)
        return Doctor.limits(of: vnodes, limits).filter { !$0.isFine && $0.name != "numa-fake" }.map(\.name)
    }

    @Test func `the doctor names each process limit that is too low`() {
        #expect(Self.faults { _ in } == [])
        #expect(Self.faults { $0.descriptors = 81 } == ["descriptors"])
        #expect(Self.faults { $0.descriptors = 82 } == [])
        #expect(Self.faults { $0.fileBytes = (1 << 30) - 1 } == ["file-size"])
        #expect(Self.faults { $0.fileBytes = 1 << 30 } == [])
        #expect(Self.faults { ($0.lockedBytes, $0.mayLockAll) = (65536, false) } == ["memlock"])
        #expect(Self.faults { ($0.lockedBytes, $0.mayLockAll) = (65536, true) } == [])
        #expect(Self.faults { $0.nodes = [0] } == ["cpuset"])
        #expect(Self.faults { $0.nodes = nil } == [], "not known")
        #expect(Self.faults { $0.hugeBytes = (2 << 30) - 1 } == ["cgroup"])
        #expect(Self.faults { $0.hugeBytes = 2 << 30 } == [])
    }

    /// The files have the text that the kernel writes.
    @Test func `process limits are read from the kernel's files, and the lowest cgroup limit counts`() throws {
        let work = try TemporaryDirectory()
        var made: [String] = []
        func file(_ name: String, _ text: String) throws {
            var directory = ""
            for part in name.split(separator: "/").dropLast() {
                directory += (directory.isEmpty ? "" : "/") + part
                if made.contains(directory) { continue }
                #expect(unsafe mkdir(work.path + "/" + directory, 0o700) == 0)
                made.append(directory)
            }
            try work.overwrite(name, at: 0, with: text)
            made.append(name)
        }
        defer { for name in made.reversed() { unsafe _ = remove(work.path + "/" + name) } }
        try file(
            "proc/7/limits",
            """
            Limit                     Soft Limit           Hard Limit           Units
            Max file size             67108864             unlimited            bytes
            Max open files            1024                 1048576              files
            Max locked memory         unlimited            unlimited            bytes

            """)
        try file("proc/7/status", "Name:\tballoonctl\nCapEff:\t0000000001000000\nMems_allowed_list:\t0,2-3\n")
        try file("proc/7/cgroup", "5:hugetlb:/a/b\n0::/c\n")
        try file("sys/fs/cgroup/c/hugetlb.2MB.max", "max\n")
        try file("sys/fs/cgroup/hugetlb/a/hugetlb.2MB.limit_in_bytes", "4194304\n")
        try file("sys/fs/cgroup/hugetlb/a/b/hugetlb.2MB.limit_in_bytes", "9223372036854771712\n")
        let limits = ProcessLimits(process: "7", root: work.path)
        #expect(limits.descriptors == 1024 && limits.fileBytes == 64 << 20 && limits.lockedBytes == nil)
        #expect(limits.nodes == [0, 2, 3] && limits.mayLockAll && limits.hugeBytes == 4 << 20)
        let own = ProcessLimits(process: "self")
        #expect(own.descriptors != nil && own.nodes?.isEmpty == false, "this machine's")
        #expect(ProcessLimits.list("0-99999999999") == nil && ProcessLimits.list("3-1") == nil)
    }
}
