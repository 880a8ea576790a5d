import Glibc
import Testing

@testable import VNodeBalloon

/// Files that stay open from one reading to the next.
@Suite struct ProcFileTests {
    @Test func `a kept file is read anew each time, whatever its length`() throws {
        let work = try TemporaryDirectory()
        let path = work.path + "/number"
        defer { work.remove("number") }
        let writer = try FileDescriptor.open(path, .create, "")
        let file = ProcFile(path)
        let asked = ProcFile(path, .write)
        try asked.writeNumber(12)
        #expect(try file.readNumber() == 12)
        try asked.writeNumber(34)
        #expect(try file.readNumber() == 34 && file.read() == Array("34".utf8))
        #expect(ftruncate(writer.rawValue, 100_000) == 0)
        #expect(try file.read().count == 100_000, "more than fits at first")
    }

    /// The kernel produces new text when an open file is read again.
    @Test func `a kept file of the kernel is read with its new value`() throws {
        let file = ProcFile("/proc/self/oom_score_adj")
        let before = try file.readNumber()
        let asked = ProcFile("/proc/self/oom_score_adj", .write)
        try asked.writeNumber(before + 1)
        #expect(try file.readNumber() == before + 1)
        #expect(try ProcFile("/proc/zoneinfo").read() != [])
    }

    @Test func `a kept file refuses a number below zero, and to read 64 MiB`() throws {
        let asked = ProcFile("/proc/self/oom_score_adj", .write)
        let error = #expect(throws: BalloonError.self) { try asked.writeNumber(-1) }
        #expect(error?.errno == EINVAL)
        let work = try TemporaryDirectory()
        defer { work.remove("long") }
        let writer = try FileDescriptor.open(work.path + "/long", .create, "")
        #expect(ftruncate(writer.rawValue, 64 << 20) == 0)
        let other = #expect(throws: BalloonError.self) { try ProcFile(work.path + "/long").read() }
        #expect(other?.errno == EFBIG)
    }

    @Test func `a kept file that is missing is an error with ENOENT`() {
        let error = #expect(throws: BalloonError.self) { try ProcFile("/proc/self/none").readNumber() }
        #expect(error?.errno == ENOENT && error?.code == .system)
    }
}
