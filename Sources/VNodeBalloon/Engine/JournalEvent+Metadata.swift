import Logging

extension Logger.Metadata {
    /// The kind of a message, for the journal alone, beside what its text shows.
    static func of(_ event: JournalEvent, _ shown: Logger.Metadata = [:]) -> Logger.Metadata {
        shown.merging([JournalEvent.field: "\(event.rawValue)"]) { $1 }
    }
}
