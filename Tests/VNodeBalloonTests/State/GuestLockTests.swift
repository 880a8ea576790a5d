import Glibc
import Simulation
import Testing

@testable import VNodeBalloon

/// A guest has one writer. The other writers of this machine are found.
@Suite struct GuestLockTests {
    @Test func `a guest's lock is taken by one writer at a time, and the error names that writer`() throws {
        let work = try TemporaryDirectory()
        defer { work.remove("device") }
        try work.overwrite("device", at: 0, with: "x")
        let path = work.path + "/device"
        func take() throws(BalloonError) -> FileDescriptor {
            try GuestLock.take(path, stateDirectory: "/run/mine", timeout: 1)
        }
        do {
            let first = try take()
            // A second name of the same file.
            #expect(unsafe link(path, path + "2") == 0)
            defer { work.remove("device2") }
            let other = #expect(throws: BalloonError.self) {
                try GuestLock.take(path + "2", stateDirectory: "/run/mine", timeout: 1)
            }
            #expect(other?.code == .busy && other?.message.contains("/run/mine") == true)
            #expect(other?.message.contains("process \(getpid()) ") == true, "it says who: \(other?.message ?? "")")
            withExtendedLifetime(first) {}
        }
        _ = try take()
        let none = #expect(throws: BalloonError.self) {
            try GuestLock.take(work.path + "/none", stateDirectory: "/run/mine", timeout: 1)
        }
        #expect(none?.code == .environment)
    }

    @Test func `a guest's lock is on every device that is there, and one of them has to be`() throws {
        let work = try TemporaryDirectory()
        defer { work.remove("xenbus") }
        try work.overwrite("xenbus", at: 0, with: "x")
        func take(_ names: [String]) throws(BalloonError) -> [FileDescriptor] {
            try GuestLock.takeAll(names.map { work.path + "/" + $0 }, stateDirectory: "/run/mine", timeout: 1)
        }
        let one = try take(["privcmd", "xenbus"])
        #expect(one.count == 1)
        try work.overwrite("privcmd", at: 0, with: "x")
        defer { work.remove("privcmd") }
        // A writer in the same guest that sees both devices.
        let other = #expect(throws: BalloonError.self) { try take(["privcmd", "xenbus"]) }
        #expect(other?.code == .busy)
        withExtendedLifetime(one) {}
        let none = #expect(throws: BalloonError.self) { try take(["none", "nothing"]) }
        #expect(none?.code == .environment)
    }

    @Test func `the hugetlbfs mounts are found in mountinfo, with their escaped names`() {
        let lines = """
            22 28 0:21 / /proc rw,nosuid shared:12 - proc proc rw
            36 22 0:30 / /run/vnode-balloon/pages rw,nosuid,nodev,noexec - hugetlbfs vnode-balloon rw,pagesize=2M,mode=700
            37 22 0:31 / /mnt/a\\040b\\134 rw shared:2 master:1 - hugetlbfs none rw
            38 22 0:32 / /hugetlbfs rw - tmpfs hugetlbfs rw
            39 22 0:33 / /odd - hugetlbfs
            40 22 0:34 / /cut rw -
            """
        #expect(
            BalloonMount.hugetlbfs(of: Array(lines.utf8)) == ["/run/vnode-balloon/pages", "/mnt/a b\\", "/odd"])
        #expect(BalloonMount(path: "/run/x/pages", size: 2048, device: 1).stateDirectory == "/run/x")
        #expect(BalloonMount(path: "/run/x/pages", size: 2048, device: 1).advice.contains("--adopt /run/x"))
    }
}
