internal import CBalloonShim

/// Standard output and standard error.
package enum StandardStream: Int32 {
    case output = 1
    case error = 2

    /// Whether somebody watches it.
    package var isTerminal: Bool { cb_is_terminal(rawValue) }

    /// How wide the terminal is; nil where it is none, or does not say.
    package var columns: Int? {
        let columns = Int(cb_terminal_columns(rawValue))
        return columns > 0 ? columns : nil
    }

    /// Whether it goes to systemd's journal, which takes a priority in front of a line (sd-daemon(3)).
    package var isJournal: Bool { cb_is_journal(rawValue) }

    /// Writes all of it, however long that takes.
    /// - Returns: the error number, nil where all of it was taken.
    @discardableResult
    package func write(_ text: String) -> Int32? {
        // Unsafe: a C string and its length.
        let result = unsafe cb_write_all(rawValue, text, text.utf8.count)
        return result < 0 ? Int32(-result) : nil
    }

    /// Writes as much as is taken at once. The rest is lost.
    package func writeNow(_ text: String) {
        // Unsafe: a C string and its length.
        _ = unsafe cb_write_now(rawValue, text, text.utf8.count)
    }
}
