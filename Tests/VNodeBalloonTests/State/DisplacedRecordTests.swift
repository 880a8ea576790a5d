import Glibc
import Testing

@testable import VNodeBalloon

@Suite struct DisplacedRecordTests {
    let work: TemporaryDirectory

    init() throws { work = try TemporaryDirectory() }

    private var path: String { work.path + "/displaced" }
    private func record(longest: UInt64 = 1 << 20) -> DisplacedRecord {
        DisplacedRecord(stateDirectory: work.path, longest: longest)
    }

    @Test func `without a note there is no file and no memory elsewhere`() throws {
        #expect(try record().displaced().isEmpty)
        #expect(throws: BalloonError.self) { try readFile(path) }
    }

    @Test func `the last note counts, also in a new process`() throws {
        let first = record()
        try first.note([(512, 512), (1024, 7)], after: [:])
        try first.note([(1024, 0), (512, 100), (2048, 1)], after: [512: 512, 1024: 7])
        #expect(try record().displaced() == [512: 100, 2048: 1])
    }

    @Test func `a line that a kill cut short is ignored, and the next note is whole`() throws {
        try record().note([(512, 512), (1024, 7)], after: [:])
        for cut in 1..<8 {
            let bytes = try readFile(path)
            try replaceFile(path, String(decoding: bytes.dropLast(cut), as: UTF8.self))
            #expect(try record().displaced()[512] == 512)
            try record().note([(1024, 7)], after: try record().displaced())
            #expect(try record().displaced() == [512: 512, 1024: 7], "\(cut) bytes")
        }
    }

    @Test func `lines that make no sense are ignored`() throws {
        try replaceFile(path, "x\n512 513 .\n-1 5 .\n512 -1 .\n 1024 8 .\n512 3\n")
        #expect(try record().displaced() == [1024: 8])
    }

    @Test func `a long file is written anew with only the valid notes`() throws {
        let small = record(longest: 200)
        for round in 1...50 {
            let gfn = 1024 * UInt64(round)
            try small.note([(512, round), (gfn, 512), (gfn, 0)], after: [512: round - 1])
        }
        #expect(try readFile(path).count < 300)
        #expect(try record().displaced() == [512: 50])
    }

    @Test func `a file that cannot be read is an error, not an empty file`() throws {
        try #require(unsafe mkdir(path, 0o700) == 0)
        #expect(throws: BalloonError.self) { try record().displaced() }
        #expect(throws: BalloonError.self) { try record().note([(512, 1)], after: [:]) }
    }

    @Test func `a file that another program removed or replaced is written anew with all notes`() throws {
        let record = record()
        try record.note([(512, 512)], after: [:])
        #expect(unsafe unlink(path) == 0)
        try record.note([(1024, 7)], after: [512: 512])
        #expect(try self.record().displaced() == [512: 512, 1024: 7])
        try replaceFile(path, "4096 9 .\n")
        try record.note([(1024, 0)], after: [512: 512, 1024: 7])
        #expect(try self.record().displaced() == [512: 512])
    }
}
