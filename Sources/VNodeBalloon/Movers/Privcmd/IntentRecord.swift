internal import CBalloonShim

/// The intent log in the state directory: the file `intent`, one line a vnode.
public final class IntentRecord: IntentLog {
    /// Each vnode has this many bytes, so that a line is rewritten in place with one write.
    private static let lineBytes = 96
    /// What fits between the vnode's number and the full stop.
    private static let textBytes = lineBytes - "vnode 31  .\n".utf8.count
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
        let pool = "foreign \(move.foreignPoolPages) pool \(move.poolPages)"
        let text = "moving \(first) \(end) \(pool)"
        let all = text + Self.text(move.file)
        try write(all.utf8.count <= Self.textBytes ? all : text, vnode: vnode)
    }

    public func end(_ file: FileShape?, vnode: Int) throws(BalloonError) {
        try write("quiet\(Self.text(file))", vnode: vnode)
    }

    private static func text(_ file: FileShape?) -> String {
        guard let file else { return "" }
        return " file \(file.end) \(file.gaps)" + (file.punching.map { " \($0)" } ?? "")
    }

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
        if words[2] == "quiet" {
            let (isSound, file) = file(Array(words[3...]))
            return isSound ? .quiet(file) : .unreadable
        }
        guard words.count >= 10, words[2] == "moving", words[5] == "foreign", words[7] == "pool",
            let first = Int(words[3]), let end = Int(words[4]), let foreign = Int(words[6]), let pool = Int(words[8]),
            first >= 0, first <= end, foreign >= 0, pool >= 0
        else { return .unreadable }
        var move = InterruptedMove(slots: first..<end, foreignPoolPages: foreign, poolPages: pool)
        let (isSound, file) = file(Array(words[9...]))
        move.file = file
        return isSound ? .moving(move) : .unreadable
    }

    /// The end of a line, with what it says of the file. An earlier program did not note it.
    private static func file(_ words: [Substring]) -> (isSound: Bool, file: FileShape?) {
        if words[0] == "." { return (true, nil) }
        guard words.count >= 4, words[0] == "file", let end = Int(words[1]), let gaps = Int(words[2]),
            gaps >= 0, gaps <= end
        else { return (false, nil) }
        if words[3] == "." { return (true, FileShape(end: end, gaps: gaps)) }
        guard words.count >= 5, let slot = Int(words[3]), slot >= 0, words[4] == "." else { return (false, nil) }
        return (true, FileShape(end: end, gaps: gaps, punching: slot))
    }
}
