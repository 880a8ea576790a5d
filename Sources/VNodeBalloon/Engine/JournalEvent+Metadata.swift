package import Logging

extension Logger.Metadata {
    /// The kind of a message, for the journal alone, beside what its text shows.
    static func of(_ event: JournalEvent, _ shown: Logger.Metadata = [:]) -> Logger.Metadata {
        shown.merging([JournalEvent.field: "\(event.rawValue)"]) { $1 }
    }
}

extension Logger.MetadataValue {
    /// What the journal has of it: a list is a field with several values.
    package var journalValues: [String] {
        guard case .array(let values) = self else { return ["\(self)"] }
        return values.map { "\($0)" }
    }
}
