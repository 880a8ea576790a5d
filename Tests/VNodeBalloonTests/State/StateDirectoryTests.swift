import Glibc
import Testing

@testable import VNodeBalloon

/// All faults of directories have the same kind of error, which says what to do.
@Suite struct StateDirectoryTests {
    let work: TemporaryDirectory

    init() throws { work = try TemporaryDirectory() }

    func fault(_ name: String) -> BalloonError? {
        do throws(BalloonError) {
            try StateDirectory.examine(work.path + name)
            return nil
        } catch { return error }
    }

    @Test func `a state directory that can be made is accepted`() { #expect(fault("/new") == nil) }

    @Test func `a state directory with mode 0700 is accepted, and one open to other users refused`() throws {
        #expect(fault("") == nil)
        for mode: mode_t in [0o777, 0o770, 0o755, 0o711, 0o740, 0o720, 0o710, 0o704, 0o702, 0o701] {
            // Unsafe: C reads a path that Swift lends it for the call.
            #expect(unsafe chmod(work.path, mode) == 0)
            #expect(fault("")?.code == .environment)
            #expect(fault("")?.message.contains("chmod 0700 \(work.path)") == true)
        }
    }

    @Test(.enabled(if: geteuid() == 0)) func `a state directory of another user is refused`() {
        // Unsafe: C reads a path that Swift lends it for the call.
        #expect(unsafe chown(work.path, 65534, 0) == 0)
        #expect(fault("")?.code == .environment)
    }

    @Test func `a state directory that is made has mode 0700`() throws {
        _ = try StateDirectory(path: work.path + "/new")
        var info = stat()
        // Unsafe: C reads paths that Swift lends it for the calls, and fills a struct.
        #expect(unsafe stat(work.path + "/new", &info) == 0 && info.st_mode & 0o777 == 0o700)
        _ = unsafe rmdir(work.path + "/new")
    }

    @Test func `a state directory without its parent is refused, and the parent is named`() {
        #expect(fault("/none/state")?.code == .environment)
        #expect(fault("/none/state")?.message.contains("\(work.path)/none does not exist") == true)
    }

    @Test func `a state directory that is a file, or below one, is refused`() throws {
        defer { work.remove("file") }
        try work.overwrite("file", at: 0, with: "x")
        #expect(fault("/file")?.code == .environment)
        #expect(fault("/file/state")?.code == .environment)
    }

    /// A path that is not there yet is fine. Anything but our hugetlbfs on it is refused, and that check takes no lock.
    @Test func `anything but a hugetlbfs on the pages path is refused before it is mounted`() throws {
        let kernelHasPages = (try? HugePageMount.checkSupport()) != nil
        func fault() -> BalloonError.Code? {
            do throws(BalloonError) {
                try HugePageMount.examine(stateDirectory: work.path)
                return nil
            } catch { return error.code }
        }
        #expect(fault() == (kernelHasPages ? nil : .noHugePages))
        try work.overwrite("pages", at: 0, with: "a file")
        #expect(fault() == .notHugetlbfs)
        work.remove("pages")
    }
}
