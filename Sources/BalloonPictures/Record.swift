import FoundationEssentials

/// A file that `balloonctl record` wrote.
public struct Record: Sendable {
    /// A line that cannot be read.
    public struct Fault: Error, Equatable, CustomStringConvertible {
        /// The number of the line, from 1.
        public let line: Int
        public let description: String
    }

    public struct Entry: Sendable {
        public var time: UTCTime
        /// nil: there was no answer, or no process recorded.
        public var sight: RecordLine.Sight?
    }

    public private(set) var entries: [Entry] = []
    /// Who recorded; nil: nobody.
    public private(set) var kind: RecordLine.Kind?

    /// Text at the end without a newline may be a partial line that its writer did not finish. It is ignored.
    /// - Throws: ``Fault``.
    public init(_ bytes: some Collection<UInt8>) throws(Fault) {
        let decoder = JSONDecoder()
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        // The last part has no newline.
        for (index, line) in lines.enumerated() {
            let isUnfinished = index == lines.count - 1
            if isUnfinished && line.isEmpty { break }
            do throws(Fault) {
                try append(try Self.line(Data(line), index + 1, decoder), index + 1)
            } catch {
                if !isUnfinished { throw error }
            }
        }
    }

    private static func line(_ line: Data, _ number: Int, _ decoder: JSONDecoder) throws(Fault) -> RecordLine {
        guard let line = try? decoder.decode(RecordLine.self, from: line) else {
            throw Fault(line: number, description: "line \(number) is no line of a record")
        }
        guard line.schema == RecordLine.schema else {
            throw Fault(
                line: number,
                description: "line \(number) is of schema \(line.schema); this balloonctl knows \(RecordLine.schema)")
        }
        return line
    }

    private mutating func append(_ line: RecordLine, _ number: Int) throws(Fault) {
        guard var time = UTCTime(line.time) else {
            throw Fault(line: number, description: "line \(number) has no time such as 2026-11-25T12:00:05Z")
        }
        guard kind == nil || kind == line.kind else {
            throw Fault(
                line: number, description: "line \(number) is of another record: a guest's and a host's are not mixed")
        }
        kind = line.kind
        // Time never goes back on the axis, even if the clock was set back.
        if let last = entries.last { time = max(time, last.time) }
        entries.append(Entry(time: time, sight: line.sight))
    }

    /// The numbers of all vnodes in a guest's record.
    public var vnodes: [Int] {
        entries.reduce(into: Set<Int>()) { numbers, entry in
            for balloon in entry.sight?.vnodes ?? [] { numbers.insert(balloon.vnode) }
        }.sorted()
    }
}
