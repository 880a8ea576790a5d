import BalloonSystem
import Synchronization

/// Standard output and standard error.
enum Terminal {
    /// The first error of writing to standard output; 0: none. A command that moves memory goes on all the same, and
    /// reports the error at its end.
    private static let failure = Atomic<Int32>(0)

    /// The error of writing to standard output; nil: all was written.
    static var outputError: Int32? {
        let error = failure.load(ordering: .relaxed)
        return error == 0 ? nil : error
    }

    /// Whether standard output is a terminal.
    static var isShown: Bool { StandardStream.output.isTerminal }

    /// The width of standard output in columns; nil where it is no terminal.
    static var columns: Int? { StandardStream.output.columns }

    /// The time of day in this machine's time zone.
    static var time: String {
        let seconds = WallClock.secondsOfDay
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
    }

    /// Prints data on standard output.
    /// - Parameter inPlace: on a terminal, prints over what was shown before.
    static func show(_ text: String, inPlace: Bool = false) {
        // Moves to the top, and clears the rest of each line and of the screen only after writing, so that nothing
        // flickers.
        let isOver = inPlace && isShown
        let lines =
            isOver
            ? "\u{1b}[H" + text.split(separator: "\n").map { $0 + "\u{1b}[K\n" }.joined() + "\u{1b}[J" : text + "\n"
        note(StandardStream.output.write(lines))
    }

    /// Writes the whole screen from its top. Nothing is cleared before it is written over, so nothing flickers. The
    /// last line gets no line break, which would scroll the screen.
    /// - Parameter lines: the lines, and for each whether it reaches the last column. Then there is nothing to clear
    ///   after it, and the terminal would clear its last character.
    static func showScreen(_ lines: [(text: String, isFull: Bool)]) {
        let text = lines.map { $0.isFull ? $0.text : $0.text + "\u{1b}[K" }.joined(separator: "\n")
        note(StandardStream.output.write("\u{1b}[H" + text + (lines.last?.isFull == true ? "" : "\u{1b}[J")))
    }

    private static func note(_ error: Int32?) {
        if let error, outputError == nil { failure.store(error, ordering: .relaxed) }
    }

    /// Prints lines of data, each with its line break.
    static func showText(_ text: String) {
        if text.hasSuffix("\n") { show(String(text.dropLast())) } else { show(text) }
    }

    /// Prints an error on standard error.
    static func complain(_ text: String) {
        for line in text.split(separator: "\n") { StandardStream.error.write("balloonctl: \(line)\n") }
    }

    /// Prints the parser's text about a usage error on standard error, with the prefix of all our errors.
    static func explain(mistake text: String) {
        let prefix = "Error: "
        StandardStream.error.write(
            (text.hasPrefix(prefix) ? "balloonctl: \(text.dropFirst(prefix.count))" : text) + "\n")
    }

    /// Prints a line about progress on standard error, where it is not rewritten in place.
    static func remark(_ text: String) { StandardStream.error.write(text + "\n") }

    /// Shows progress, rewritten in place; only on a terminal.
    static func progress(_ text: String) {
        guard StandardStream.error.isTerminal else { return }
        StandardStream.error.write("\r\u{1b}[K\(text)")
    }

    static func endProgress() {
        guard StandardStream.error.isTerminal else { return }
        StandardStream.error.write("\r\u{1b}[K")
    }
}
