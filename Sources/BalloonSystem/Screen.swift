package import BalloonCore
internal import CBalloonShim

/// A terminal that shows something live.
package enum Screen {
    /// Whether somebody can press keys.
    package static var hasKeys: Bool { cb_is_terminal(0) }

    /// How high the terminal is; nil where it does not say.
    package static var rows: Int? {
        let rows = Int(cb_terminal_rows(StandardStream.output.rawValue))
        return rows > 0 ? rows : nil
    }

    /// Whether colours are not wanted: https://no-color.org.
    package static var isColourless: Bool {
        // Unsafe: Swift lends the shim a C string for the call.
        unsafe cb_has_environment("NO_COLOR")
    }

    /// Takes the terminal: keys come one at a time and are not shown, and what was on the screen waits until ``leave()``.
    /// - Throws: `.system`.
    package static func enter() throws(BalloonError) { try check(cb_screen_enter(), "cannot use the terminal") }
    package static func leave() { cb_screen_leave() }

    /// Stops as Ctrl-Z stops any program; returns when it goes on.
    /// - Throws: `.system`.
    package static func stop() throws(BalloonError) {
        leave()
        cb_screen_stop()
        try enter()
    }
}

/// What wakes a live command: signals, keys, the end of the reader, the time.
package struct ScreenEvents {
    package enum Event: Equatable {
        case timeout, end, stop, resize
        /// The reader of standard output is gone.
        case unread
        case key(Character)
    }

    private let signals: FileDescriptor
    private let output: Int32
    private let hasKeys: Bool

    /// Before anything starts a thread, which would get the signals otherwise.
    /// - Parameter onScreen: with keys, and the signals of a terminal.
    /// - Throws: `.system`.
    package init(output: Int32, onScreen: Bool) throws(BalloonError) {
        signals = FileDescriptor(
            try check(onScreen ? cb_screen_signals() : cb_signal_descriptor(), "cannot wait for signals"))
        self.output = output
        hasKeys = onScreen && Screen.hasKeys
    }

    /// Waits until something happens, or until `due`.
    /// - Throws: `.system`.
    package func next(until due: Moment) throws(BalloonError) -> Event {
        var watched = [signals.rawValue]
        let pipe = cb_is_pipe(output) ? 1 : nil
        if pipe != nil { watched.append(output) }
        let keys = hasKeys ? watched.count : nil
        if hasKeys { watched.append(0) }
        while true {
            let now = Moment.now
            guard due > now else { return signal ?? .timeout }
            // Rounded up: it would be called again at once otherwise.
            let left = Int32(clamping: (due - now).nanoseconds / 1_000_000 + 1)
            let ready = try Poll.wait(watched, timeoutMilliseconds: left)
            if ready.contains(0), let signal { return signal }
            if let pipe, ready.contains(pipe) { return .unread }
            if let keys, ready.contains(keys) { return key }
        }
    }

    private var signal: Event? {
        switch cb_signal_next(signals.rawValue) {
        case Int32(CB_SIGTSTP): .stop
        case Int32(CB_SIGWINCH): .resize
        case 0: nil
        default: .end
        }
    }

    /// A terminal that has no more keys is gone.
    private var key: Event {
        var byte: UInt8 = 0
        // Unsafe: one byte, filled by the call.
        let count = unsafe cb_key(&byte)
        guard count > 0 else { return .end }
        return .key(Character(Unicode.Scalar(byte)))
    }
}
