import BalloonSystem
import Logging
import Synchronization

/// Logs on standard error: with systemd's priority prefixes in the journal, plain anywhere else.
struct ErrorLog: LogHandler {
    /// One level for the whole process, so that it can be changed at run time.
    private static let level = Atomic<Int>(0)

    var logLevel: Logger.Level {
        get { Logger.Level.allCases[Self.level.load(ordering: .relaxed)] }
        set { Self.level.store(Logger.Level.allCases.firstIndex(of: newValue) ?? 0, ordering: .relaxed) }
    }
    var metadata: Logger.Metadata = [:]
    private let isJournal: Bool

    init() {
        isJournal = StandardStream.error.isJournal
    }

    static func setLevel(_ level: String) {
        var log = ErrorLog()
        log.logLevel = Logger.Level(rawValue: level) ?? .notice
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line = isJournal ? "<\(Self.priority(event.level))>" : "\(event.level): "
        line += "\(event.message)"
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(value)" }
        line += "\n"
        // A log that no process reads must not keep the daemon from giving memory back, so the line is dropped.
        StandardStream.error.writeNow(line)
    }

    /// syslog's numbers.
    private static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: return 7
        case .info: return 6
        case .notice: return 5
        case .warning: return 4
        case .error: return 3
        case .critical: return 2
        }
    }

    static func logger(level: String) -> Logger {
        setLevel(level)
        return Logger(label: "balloonctl") { _ in ErrorLog() }
    }
}
