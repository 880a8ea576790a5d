/// Decides what is written: a line for each change, and the last state at the end.
public struct Recorder {
    private let kind: RecordLine.Kind
    private var written: RecordLine?
    private var seen: RecordLine?

    public init(_ kind: RecordLine.Kind = .guest) { self.kind = kind }

    /// - Returns: the line to write; nil: nothing changed.
    public mutating func see(_ sight: RecordLine.Sight?, at time: UTCTime) -> RecordLine? {
        let line = RecordLine(kind, time: time, sight: sight)
        seen = line
        if let written, written.sight == sight { return nil }
        written = line
        return line
    }

    /// Called when an existing record is continued: no process recorded after its last line.
    /// - Returns: the line that says so; nil: the last line already does, or is no valid line.
    public func gap(behind last: String) -> RecordLine? {
        guard let last = try? Record(last.utf8).entries.last, last.sight != nil else { return nil }
        return RecordLine(kind, time: last.time, sight: nil)
    }

    /// The line at the end, which shows how long nothing changed; nil where the last line shows that.
    public func end(at time: UTCTime) -> RecordLine? {
        guard let seen else { return nil }
        let line = RecordLine(kind, time: time, sight: seen.sight)
        return line == written ? nil : line
    }
}
