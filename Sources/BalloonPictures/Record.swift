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
        public var vnodes: [RecordLine.Balloon]?
    }

    public private(set) var entries: [Entry] = []

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
                append(try Self.entry(Data(line), index + 1, decoder))
            } catch {
                if !isUnfinished { throw error }
            }
        }
    }

    private static func entry(_ line: Data, _ number: Int, _ decoder: JSONDecoder) throws(Fault) -> Entry {
        guard let line = try? decoder.decode(RecordLine.self, from: line) else {
            throw Fault(line: number, description: "line \(number) is no line of a record")
        }
        guard line.schema == RecordLine.schema else {
            throw Fault(
                line: number,
                description: "line \(number) is of schema \(line.schema); this balloonctl knows \(RecordLine.schema)")
        }
        guard let time = UTCTime(line.time) else {
            throw Fault(line: number, description: "line \(number) has no time such as 2026-11-25T12:00:05Z")
        }
        return Entry(time: time, vnodes: line.vnodes)
    }

    /// Time never goes back on the axis, even if the clock was set back.
    private mutating func append(_ entry: Entry) {
        var entry = entry
        if let last = entries.last, entry.time < last.time { entry.time = last.time }
        entries.append(entry)
    }

    /// The numbers of all vnodes in the record.
    public var vnodes: [Int] {
        entries.reduce(into: Set<Int>()) { numbers, entry in
            for balloon in entry.vnodes ?? [] { numbers.insert(balloon.vnode) }
        }.sorted()
    }
}
