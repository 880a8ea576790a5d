import BalloonCore
import BalloonSystem
import Logging
import Synchronization
import VNodeBalloon

/// Logs on standard error. Where that is systemd's journal, its messages have fields: all metadata. Metadata with keys in
/// capitals are fields only, because the text says it already.
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
        let all = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        var text = "\(event.message)"
        for (key, value) in all where !Self.isField(key) { text += " \(key)=\(value)" }
        if isJournal {
            let fields = all.flatMap { (key, value) in value.journalValues.map { (name: key, value: $0) } }
            Self.tellJournal(text, priority: Self.priority(event.level), fields)
        } else {
            // A log that no process reads must not keep the daemon from giving memory back, so the line is dropped.
            StandardStream.error.writeNow("\(event.level): \(text)\n")
        }
    }

    private static func isField(_ key: String) -> Bool { key.utf8.first.map { $0 < UInt8(ascii: "a") } ?? true }

    /// Where the journal takes no fields, it gets the text: a line with its priority in front (sd-daemon(3)).
    private static func tellJournal(_ text: String, priority: Int, _ fields: [(name: String, value: String)]) {
        let all = fields + (Journal.service.map { [$0] } ?? [])
        let message = JournalMessage(text, priority: priority, identifier: "balloonctl", fields: all)
        if !Journal.send(message) { StandardStream.error.writeNow("<\(priority)>\(text)\n") }
    }

    /// Tells the journal why a command failed, where standard error is the journal.
    /// - Returns: false where it is not.
    static func tell(_ error: BalloonError) -> Bool {
        guard StandardStream.error.isJournal else { return false }
        var fields = [(name: "CODE", value: "\(error.code)")]
        if error.code == .privcmdLocked { fields.append((JournalEvent.field, JournalEvent.locked.rawValue)) }
        for line in error.description.split(separator: "\n") {
            tellJournal("balloonctl: \(line)", priority: priority(.error), fields)
        }
        return true
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
