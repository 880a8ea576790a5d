import Glibc
import Testing

@testable import VNodeBalloon

/// What is wrong with directories is told by one kind of error, with what to do.
@Suite struct StateDirectoryTests {
    let work: TemporaryDirectory

    init() throws { work = try TemporaryDirectory() }

    func fault(_ name: String) -> BalloonError? {
        do throws(BalloonError) {
            try StateDirectory.examine(work.path + name)
            return nil
        } catch { return error }
    }

    @Test func oneThatCanBeMadeIsFine() { #expect(fault("/new") == nil) }

    @Test func oneOfOurOwnIsFineAndOneOpenToOthersIsNot() throws {
        #expect(fault("") == nil)
        for mode: mode_t in [0o777, 0o770, 0o755, 0o711] {
            // Unsafe: C reads a path that Swift lends it for the call.
            #expect(unsafe chmod(work.path, mode) == 0)
            #expect(fault("")?.code == .environment)
            #expect(fault("")?.message.contains("chmod 0700 \(work.path)") == true)
        }
    }

    @Test func itsParentMustBeThere() {
        #expect(fault("/none/state")?.code == .environment)
        #expect(fault("/none/state")?.message.contains("\(work.path)/none does not exist") == true)
    }

    @Test func aFileIsNone() throws {
        defer { work.remove("file") }
        try work.overwrite("file", at: 0, with: "x")
        #expect(fault("/file")?.code == .environment)
        #expect(fault("/file/state")?.code == .environment)
    }

    /// Pages: not there yet is fine; anything but our hugetlbfs is not, and that is seen without a lock.
    @Test func whatIsOnPagesIsExaminedBeforeAnythingIsMade() throws {
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
