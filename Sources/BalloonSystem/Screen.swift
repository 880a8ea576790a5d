package import BalloonCore
internal import CBalloonShim

/// A terminal that shows a live picture.
package enum Screen {
    /// Whether standard input is a terminal, so that a user can press keys.
    package static var hasKeys: Bool { cb_is_terminal(0) }

    /// The terminal's height in rows; nil where it is not known.
    package static var rows: Int? {
        let rows = Int(cb_terminal_rows(StandardStream.output.rawValue))
        return rows > 0 ? rows : nil
    }

    /// Whether the user wants no colours: https://no-color.org.
    package static var isColourless: Bool {
        // Unsafe: Swift lends the shim a C string for the call.
        unsafe cb_has_environment("NO_COLOR")
    }

    /// Takes over the terminal: keys arrive one at a time without echo, and ``leave()`` brings the former screen back.
    /// - Throws: `.system`.
    package static func enter() throws(BalloonError) { try check(cb_screen_enter(), "cannot use the terminal") }
    package static func leave() { cb_screen_leave() }

    /// Stops this process as Ctrl-Z does. Returns when it is continued.
    /// - Throws: `.system`.
    package static func stop() throws(BalloonError) {
        leave()
        cb_screen_stop()
        try enter()
    }
}

/// The events that wake a live command: signals, keys, the reader's end, the time.
package struct ScreenEvents {
    package enum Event: Equatable {
        case timeout, end, stop, resize
        /// The program that read our output has ended.
        case unread
        case key(Character)
    }

    private let signals: FileDescriptor
    private let output: Int32
    private let hasKeys: Bool

    /// Must be called before any thread is started: that thread would get the signals otherwise.
    /// - Parameter onScreen: also waits for keys and for a terminal's signals.
    /// - Throws: `.system`.
    package init(output: Int32, onScreen: Bool) throws(BalloonError) {
        signals = FileDescriptor(
            try check(onScreen ? cb_screen_signals() : cb_signal_descriptor(), "cannot wait for signals"))
        self.output = output
        hasKeys = onScreen && Screen.hasKeys
    }

    /// Waits for an event, at most until `due`.
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
            // Rounded up: otherwise poll would return too early and be called again at once.
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

    /// A terminal that is readable and has no key is gone.
    private var key: Event {
        var byte: UInt8 = 0
        // Unsafe: one byte, filled by the call.
        let count = unsafe cb_key(&byte)
        guard count > 0 else { return .end }
        return .key(Character(Unicode.Scalar(byte)))
    }
}
