import CBalloonShim

/// Standard output and standard error.
enum Terminal {
    /// Data: standard output.
    static func show(_ line: String) { write(1, line + "\n") }

    /// What went wrong: standard error.
    static func complain(_ line: String) { write(2, "balloonctl: \(line)\n") }

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

    private static func write(_ descriptor: Int32, _ text: String) {
        // Unsafe: a C string and its length.
        _ = unsafe cb_write_all(descriptor, text, text.utf8.count)
    }
}

extension Optional {
    fileprivate func map(_ transform: (Wrapped) -> Bool, or other: Bool) -> Bool { map(transform) ?? other }
}
