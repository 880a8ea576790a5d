import BalloonSystem
import Synchronization

/// Standard output and standard error.
enum Terminal {
    /// The first error of writing to standard output, 0: none. A command that moves memory goes on all the same, and
    /// reports the error at its end.
    private static let failure = Atomic<Int32>(0)

    /// What writing data came to: nil when all of it was taken.
    static var outputError: Int32? {
        let error = failure.load(ordering: .relaxed)
        return error == 0 ? nil : error
    }

    /// Standard output is a terminal.
    static var isShown: Bool { StandardStream.output.isTerminal }

    /// How wide standard output is; nil where it is no terminal.
    static var columns: Int? { StandardStream.output.columns }

    /// The time of day, as this machine counts it.
    static var time: String {
        let seconds = WallClock.secondsOfDay
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
    }

    /// Data: standard output.
    /// - Parameter inPlace: over what was shown before, on a terminal.
    static func show(_ text: String, inPlace: Bool = false) {
        // To the top; the rest of each line and of the screen is cleared behind what is written: nothing flickers.
        let isOver = inPlace && isShown
        let lines =
            isOver
            ? "\u{1b}[H" + text.split(separator: "\n").map { $0 + "\u{1b}[K\n" }.joined() + "\u{1b}[J" : text + "\n"
        note(StandardStream.output.write(lines))
    }

    /// The whole screen, from its top: nothing of what was there is cleared before it is written over, so it does not
    /// flicker. The last line has no end, which would move the screen up.
    /// - Parameter lines: with whether a line reaches the last column. Behind such a one nothing is to be cleared, and the
    ///   terminal would clear its last character.
    static func showScreen(_ lines: [(text: String, isFull: Bool)]) {
        let text = lines.map { $0.isFull ? $0.text : $0.text + "\u{1b}[K" }.joined(separator: "\n")
        note(StandardStream.output.write("\u{1b}[H" + text + (lines.last?.isFull == true ? "" : "\u{1b}[J")))
    }

    private static func note(_ error: Int32?) {
        if let error, outputError == nil { failure.store(error, ordering: .relaxed) }
    }

    /// Lines of data, each with its end.
    static func showText(_ text: String) {
        if text.hasSuffix("\n") { show(String(text.dropLast())) } else { show(text) }
    }

    /// What went wrong: standard error.
    static func complain(_ text: String) {
        for line in text.split(separator: "\n") { StandardStream.error.write("balloonctl: \(line)\n") }
    }

    /// The parser's text for people who made a mistake, with the prefix that all our errors have: standard error.
    static func explain(mistake text: String) {
        let prefix = "Error: "
        StandardStream.error.write(
            (text.hasPrefix(prefix) ? "balloonctl: \(text.dropFirst(prefix.count))" : text) + "\n")
    }

    /// A line about what is going on, where it is not rewritten in place: standard error.
    static func remark(_ text: String) { StandardStream.error.write(text + "\n") }

    /// Progress, rewritten in place: only on a terminal.
    static func progress(_ text: String) {
        guard StandardStream.error.isTerminal else { return }
        StandardStream.error.write("\r\u{1b}[K\(text)")
    }

    static func endProgress() {
        guard StandardStream.error.isTerminal else { return }
        StandardStream.error.write("\r\u{1b}[K")
    }
}
