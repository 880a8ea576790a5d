import ArgumentParser
import BalloonCore
import BalloonPictures
import BalloonSystem
import FoundationEssentials
import VNodeBalloon

struct RecordCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record", abstract: "Record each change of the balloons.",
        discussion: """
            Appends a line of JSON to the file whenever something changed, and one at the end. It ends at Ctrl-C or SIGTERM, or
            when the reader of the pipe has closed it. `balloonctl plot` makes a picture of the file.

            \(Exit.codes(
                Exit.noXen, (Exit.usage, "usage, or the file is not a record"),
                (Exit.inputOutput, "the file cannot be written"),
                (Exit.temporary, "the daemon does not answer, or another process is recording into the file")))
            """)

    @OptionGroup var common: CommonOptions

    @Option(help: ArgumentHelp("Seconds between two looks, 1 to 86400.", valueName: "seconds"))
    var every: UInt64 = 1

    @Argument(help: "The file that grows, or - for standard output.", completion: .file())
    var file: String

    mutating func validate() throws {
        if !(1...86400).contains(every) { throw ValidationError("seconds are 1 to 86400") }
    }

    func run() throws {
        try Exit.onError {
            let settings = try common.settingsWhateverTheFileSays()
            // Asked first, so that a failure leaves no file.
            let first = try Session(settings, isReading: true).status()
            let file = try LineFile(path: file, beginning: RecordLine.beginning)
            if let gap = file.lastLine.flatMap(Recorder.gap(behind:)) { try file.append(gap.json) }
            try record(settings, first, to: file)
        }
    }

    private func record(_ settings: Settings, _ first: StatusReport, to file: LineFile) throws {
        let events = try ScreenEvents(output: file.output.rawValue, onScreen: false)
        var recorder = Recorder()
        var report: StatusReport? = first
        var hasAnswer = true
        var due = Moment.now
        while true {
            if let line = recorder.see(report?.balloons, at: Live.now) { try file.append(line.json) }
            // Readings that were missed during a suspend are not made up for.
            due = max(due + .seconds(every), Moment.now)
            switch try events.next(until: due) {
            case .unread: throw Exit.pipe
            case .end: return try recorder.end(at: Live.now).map { try file.append($0.json) } ?? ()
            default: break
            }
            report = look(settings, tells: hasAnswer)
            hasAnswer = report != nil
        }
    }

    /// Returns nil when there is no answer, which is printed once.
    private func look(_ settings: Settings, tells: Bool) -> StatusReport? {
        do {
            return try Session(settings, isReading: true).status()
        } catch {
            if tells { Terminal.complain("\(Live.sentence(error)); the record goes on") }
            return nil
        }
    }
}

extension StatusReport {
    /// The part that is recorded.
    var balloons: [RecordLine.Balloon] {
        vnodes.map {
            RecordLine.Balloon(
                vnode: $0.vnode, size: $0.size, target: $0.target, forced: $0.forced,
                balloon: $0.balloon, state: $0.state, reason: $0.reason)
        }
    }
}

extension Live {
    /// The error of asking the daemon, in a sentence.
    static func sentence(_ error: any Error) -> String {
        switch error {
        case let error as BalloonError: error.description
        case let refusal as Refusal: refusal.error
        default: "the daemon's answer cannot be read"
        }
    }
}
