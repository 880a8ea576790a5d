import CBalloonShim
import Synchronization

/// Standard output and standard error.
enum Terminal {
    /// The first error of writing to standard output, 0: none. What moves memory goes on all the same; the command's end
    /// tells.
    private static let failure = Atomic<Int32>(0)

    /// What writing data came to: nil when all of it was taken.
    static var outputError: Int32? {
        let error = failure.load(ordering: .relaxed)
        return error == 0 ? nil : error
    }

    /// Data: standard output.
    static func show(_ line: String) {
        let result = write(1, line + "\n")
        if result < 0 && outputError == nil { failure.store(Int32(-result), ordering: .relaxed) }
    }

    /// Lines of data, each with its end.
    static func showText(_ text: String) {
        if text.hasSuffix("\n") { show(String(text.dropLast())) } else { show(text) }
    }

    /// What went wrong: standard error.
    static func complain(_ text: String) {
        for line in text.split(separator: "\n") { write(2, "balloonctl: \(line)\n") }
    }

    /// The parser's text for people who made a mistake, with the prefix that all our errors have: standard error.
    static func explain(mistake text: String) {
        let prefix = "Error: "
        write(2, (text.hasPrefix(prefix) ? "balloonctl: \(text.dropFirst(prefix.count))" : text) + "\n")
    }

    /// A line about what is going on, where nobody is watching it being rewritten: standard error.
    static func remark(_ text: String) { write(2, text + "\n") }

    /// Progress, rewritten in place: only where somebody is watching.
    static func progress(_ text: String) {
        guard cb_is_terminal(2) else { return }
        write(2, "\r\u{1b}[K\(text)")
    }

    static func endProgress() {
        guard cb_is_terminal(2) else { return }
        write(2, "\r\u{1b}[K")
    }

    /// Lines with their columns aligned: the first to the left, the others to the right.
    static func table(_ rows: [[String]]) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            row.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                if column == row.count - 1 && column > 0 && !cell.first.map(\.isNumber, or: false) { return cell }
                return column == 0 ? cell + padding : padding + cell
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    @discardableResult
    private static func write(_ descriptor: Int32, _ text: String) -> Int64 {
        // Unsafe: a C string and its length.
        unsafe cb_write_all(descriptor, text, text.utf8.count)
    }
}

extension Optional {
    fileprivate func map(_ transform: (Wrapped) -> Bool, or other: Bool) -> Bool { map(transform) ?? other }
}
