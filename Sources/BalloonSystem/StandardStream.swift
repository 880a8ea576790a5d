internal import CBalloonShim

/// Standard output and standard error.
package enum StandardStream: Int32 {
    case output = 1
    case error = 2

    /// Whether it is a terminal.
    package var isTerminal: Bool { cb_is_terminal(rawValue) }

    /// The terminal's width in columns; nil where it is no terminal, or the width is not known.
    package var columns: Int? {
        let columns = Int(cb_terminal_columns(rawValue))
        return columns > 0 ? columns : nil
    }

    /// Whether it goes to systemd's journal, which reads a priority in front of each line (sd-daemon(3)).
    package var isJournal: Bool { cb_is_journal(rawValue) }

    /// Writes the whole text, however long that takes.
    /// - Returns: the error number; nil: all of the text was written.
    @discardableResult
    package func write(_ text: String) -> Int32? {
        // Unsafe: a C string and its length.
        let result = unsafe cb_write_all(rawValue, text, text.utf8.count)
        return result < 0 ? Int32(-result) : nil
    }

    /// Writes as much as the stream takes at once. The rest is dropped.
    package func writeNow(_ text: String) {
        // Unsafe: a C string and its length.
        _ = unsafe cb_write_now(rawValue, text, text.utf8.count)
    }
}
