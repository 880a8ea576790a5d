internal import CBalloonShim

/// The intent log in the state directory: the file `intent`, one line a vnode.
public final class IntentRecord: IntentLog {
    /// Each vnode has this many bytes, so that a line is rewritten in place with one write.
    private static let lineBytes = 96
    private let file: FileDescriptor

    /// Opens or makes `intent` in the state directory.
    /// - Throws: `.environment`.
    public init(stateDirectory: String) throws(BalloonError) {
        let path = stateDirectory + "/intent"
        file = try .open(
            path, .create, code: .environment, "cannot open \(path); move it away or use another --state-dir")
        // All lines lie in one page, and that page must stay in memory: a move under memory pressure writes its note
        // first.
        let bytes = UInt64((Self.totalLine + 1) * Self.lineBytes)
        if try file.info().bytes < bytes {
            try check(cb_file_truncate(file.rawValue, bytes), "cannot lengthen \(path)")
        }
        try check(cb_file_keep_mapped(file.rawValue), "cannot map \(path)")
    }

    public func line(vnode: Int) -> IntentLine { Self.parse(text(ofLine: vnode), vnode: vnode) }

    private func text(ofLine line: Int) -> String {
        let text = unsafe [UInt8](unsafeUninitializedCapacity: Self.lineBytes) { buffer, count in
            // Unsafe: the shim fills at most a line and says how much.
            let read = unsafe cb_file_read(
                file.rawValue, UInt64(line * Self.lineBytes), buffer.baseAddress, Self.lineBytes)
            count = max(0, Int(read))
        }
        return String(decoding: text, as: UTF8.self)
    }

    public func begin(_ move: InterruptedMove, vnode: Int) throws(BalloonError) {
        let (first, end) = (move.slots.lowerBound, move.slots.upperBound)
        let empty = move.emptyBelow.map { " empty \($0)" } ?? ""
        try write(
            "moving \(first) \(end) foreign \(move.foreignPoolPages) pool \(move.poolPages)\(empty)", vnode: vnode)
    }

    public func end(vnode: Int) throws(BalloonError) { try write("quiet", vnode: vnode) }

    /// The total has a line of its own, after the lines of all possible vnodes.
    private static let totalLine = Int(CB_MAX_VNODES)

    public func total() -> UInt64? {
        let words = text(ofLine: Self.totalLine).split(separator: " ")
        guard words.count >= 5, words[2] == "total", words[4] == "." else { return nil }
        return UInt64(words[3])
    }

    public func note(total: UInt64?) throws(BalloonError) {
        try write("total \(total.map(String.init) ?? "unknown")", vnode: Self.totalLine)
    }

    private func write(_ text: String, vnode: Int) throws(BalloonError) {
        var line = "vnode \(vnode) \(text) ."
        line += String(repeating: " ", count: Self.lineBytes - 1 - line.utf8.count) + "\n"
        // Unsafe: a C string and its length; the shim writes no more.
        let offset = UInt64(vnode * Self.lineBytes)
        try check(unsafe cb_file_write(file.rawValue, offset, line, Self.lineBytes), "cannot write the intent record")
    }

    static func parse(_ text: String, vnode: Int) -> IntentLine {
        // The full stop is the last thing written, so a line that has it is complete.
        let words = text.split(separator: " ")
        guard words.count >= 4, words[0] == "vnode", words[1] == "\(vnode)" else { return .unreadable }
        if words[2] == "quiet", words[3] == "." { return .quiet }
        guard words.count >= 10, words[2] == "moving", words[5] == "foreign", words[7] == "pool",
            let first = Int(words[3]), let end = Int(words[4]), let foreign = Int(words[6]), let pool = Int(words[8]),
            first >= 0, first <= end, foreign >= 0, pool >= 0
        else { return .unreadable }
        var move = InterruptedMove(slots: first..<end, foreignPoolPages: foreign, poolPages: pool)
        if words[9] == "." { return .moving(move) }
        guard words.count >= 12, words[9] == "empty", let empty = Int(words[10]), empty >= 0, words[11] == "." else {
            return .unreadable
        }
        move.emptyBelow = empty
        return .moving(move)
    }
}
