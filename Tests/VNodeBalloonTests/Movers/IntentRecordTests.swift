import Simulation
import Testing
import VNodeBalloon

@Suite struct IntentRecordTests {
    static let move = InterruptedMove(slots: 3..<7, foreignPoolPages: 40, poolPages: 4)

    @Test func `a noted move is read by the next process, and an ended move reads as quiet`() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove("intent") }
        let record = try IntentRecord(stateDirectory: directory.path)
        #expect(record.line(vnode: 0) == .unreadable, "nothing was noted yet")
        try record.begin(Self.move, vnode: 0)
        try record.begin(InterruptedMove(slots: 0..<0, foreignPoolPages: 0), vnode: 2)
        let next = try IntentRecord(stateDirectory: directory.path)
        #expect(next.line(vnode: 0) == .moving(Self.move))
        #expect(next.line(vnode: 1) == .unreadable)
        #expect(next.line(vnode: 2) == .moving(InterruptedMove(slots: 0..<0, foreignPoolPages: 0)))
        try next.end(nil, vnode: 0)
        try next.end(FileShape(end: 7, gaps: 2), vnode: 1)
        #expect(record.line(vnode: 0) == .quiet(nil))
        #expect(record.line(vnode: 1) == .quiet(FileShape(end: 7, gaps: 2)))
        var largest = InterruptedMove(
            slots: 99_999_999..<100_000_000, foreignPoolPages: 100_000_000, poolPages: 100_000_000)
        try record.begin(largest, vnode: 31)
        #expect(next.line(vnode: 31) == .moving(largest))
        largest.file = FileShape(end: 100_000_000, gaps: 100_000_000)
        try record.begin(largest, vnode: 31)
        #expect(next.line(vnode: 31) == .moving(largest))
        var large = InterruptedMove(slots: 8_388_607..<8_388_608, foreignPoolPages: 8_388_608, poolPages: 8_388_608)
        large.file = FileShape(end: 8_388_608, gaps: 8_388_608, punching: 8_388_607)
        try record.begin(large, vnode: 31)
        #expect(next.line(vnode: 31) == .moving(large))
        // More does not fit in a line. Then it says nothing of the file.
        largest.file = FileShape(end: 100_000_000, gaps: 100_000_000, punching: 99_999_999)
        try record.begin(largest, vnode: 31)
        largest.file = nil
        #expect(next.line(vnode: 31) == .moving(largest))
    }

    @Test func `the noted total is read by the next process, unless the file is cut off`() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove("intent") }
        let record = try IntentRecord(stateDirectory: directory.path)
        #expect(record.total() == nil, "nothing was noted yet")
        try record.note(total: .max)
        let next = try IntentRecord(stateDirectory: directory.path)
        #expect(next.total() == .max && next.line(vnode: 31) == .unreadable)
        try directory.truncate("intent", to: 32 * 96 + 30)
        #expect(next.total() == nil, "it is cut off")
        try next.note(total: 7)
        #expect(record.total() == 7)
        try next.note(total: nil)
        #expect(record.total() == nil)
    }

    @Test(arguments: [0, 1, 10, 95])
    func `a line of the intent record that is cut off is unreadable`(_ length: Int) throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove("intent") }
        let record = try IntentRecord(stateDirectory: directory.path)
        try record.begin(Self.move, vnode: 0)
        // What comes before the full stop is not enough.
        try directory.truncate("intent", to: min(length, 30))
        #expect(record.line(vnode: 0) == .unreadable)
    }

    @Test(arguments: [
        "", "vnode 0", "vnode 0 quiet", "vnode 1 quiet .", "vnode 0 moving 3 7 foreign 4 pool 4",
        "vnode 0 moving 7 3 foreign 4 pool 4 .", "vnode 0 moving -1 3 foreign 4 pool 4 .",
        "vnode 0 moving 3 7 foreign x pool 4 .", "vnode 0 moving 3 99999999999999999999 foreign 4 pool 4 .",
        "vnode 0 moving 3 7 foreign 4 pool -4 .", "vnode 0 moving 3 7 foreign 4 .", "\0\0\0\0", "vnode 0 loud .",
        "vnode 0 moving 3 7 foreign 4 pool 4 4", "vnode 0 moving 3 7 foreign 4 pool 4 file .",
        "vnode 0 moving 3 7 foreign 4 pool 4 file 2 .", "vnode 0 moving 3 7 foreign 4 pool 4 file 2 1",
        "vnode 0 moving 3 7 foreign 4 pool 4 file 2 -1 .", "vnode 0 moving 3 7 foreign 4 pool 4 file 1 2 .",
        "vnode 0 moving 3 7 foreign 4 pool 4 file 3 1 2", "vnode 0 moving 3 7 foreign 4 pool 4 file 3 1 x .",
        "vnode 0 moving 3 7 foreign 4 pool 4 file 3 1 -2 .", "vnode 0 quiet file 7 .", "vnode 0 quiet file 7 8 .",
        "vnode 0 quiet empty 2 .",
    ])
    func `a line of the intent record that makes no sense is unreadable`(_ text: String) throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove("intent") }
        let record = try IntentRecord(stateDirectory: directory.path)
        try record.end(nil, vnode: 0)
        try directory.overwrite("intent", at: 0, with: text + String(repeating: " ", count: 96 - text.utf8.count))
        #expect(record.line(vnode: 0) == .unreadable)
    }

    @Test func `a line of the intent record with a count below zero is unreadable`() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove("intent") }
        let record = try IntentRecord(stateDirectory: directory.path)
        let text = "vnode 0 moving 3 7 foreign -9223372036854775808 pool 4 ."
        try directory.overwrite("intent", at: 0, with: text + String(repeating: " ", count: 96 - text.utf8.count))
        #expect(record.line(vnode: 0) == .unreadable)
    }

    @Test func `an intent record with any byte changed never yields a negative range or count`() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove("intent") }
        let record = try IntentRecord(stateDirectory: directory.path)
        try record.begin(Self.move, vnode: 0)
        property("spoilt intents", cases: 200) { random in
            try record.begin(Self.move, vnode: 0)
            let scalar = Unicode.Scalar(UInt8(random.number(0...127)))
            try directory.overwrite("intent", at: random.number(0...95), with: String(Character(scalar)))
            // Whatever it says, a range is a range and counts are counts.
            guard case .moving(let move) = record.line(vnode: 0) else { return }
            try demand(move.slots.lowerBound >= 0 && move.poolPages >= 0, "\(move)")
        }
    }
}
