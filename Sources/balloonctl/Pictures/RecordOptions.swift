import ArgumentParser
import BalloonCore
import BalloonPictures
import BalloonSystem

/// The options of all records.
struct RecordOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Seconds between two looks, 1 to 86400.", valueName: "seconds"))
    var every: UInt64 = 1

    @Argument(help: "The file that grows, or - for standard output.", completion: .file())
    var file: String

    mutating func validate() throws {
        if !(1...86400).contains(every) { throw ValidationError("seconds are 1 to 86400") }
    }

    /// Records until a signal, or until nobody reads any more.
    /// - Throws: what the first look throws, and an exit code after printing the error.
    func record(_ kind: RecordLine.Kind, look: () throws -> RecordLine.Sight) throws {
        var recorder = Recorder(kind)
        // Asked first, so that a failure leaves no file.
        var sight: RecordLine.Sight? = try look()
        let file = try LineFile(path: file, beginning: RecordLine.beginning(kind))
        if let gap = file.lastLine.flatMap(recorder.gap(behind:)) { try file.append(gap.json) }
        let events = try ScreenEvents(output: file.output.rawValue, onScreen: false)
        var due = Moment.now
        while true {
            if let line = recorder.see(sight, at: Live.now) { try file.append(line.json) }
            // Readings that were missed during a suspend are not made up for.
            due = max(due + .seconds(every), Moment.now)
            switch try events.next(until: due) {
            case .unread: throw Exit.pipe
            case .end: return try recorder.end(at: Live.now).map { try file.append($0.json) } ?? ()
            default: break
            }
            sight = Self.look(look, tells: sight != nil)
        }
    }

    /// Returns nil when there is no answer, which is printed once.
    private static func look(_ look: () throws -> RecordLine.Sight, tells: Bool) -> RecordLine.Sight? {
        do {
            return try look()
        } catch {
            if tells { Terminal.complain("\(Live.sentence(error)); the record goes on") }
            return nil
        }
    }
}
