import ArgumentParser
import BalloonCore
import BalloonPictures
import BalloonSystem
import FoundationEssentials
import VNodeBalloon

struct RecordCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record", abstract: "Write down each change of the balloons.",
        discussion: """
            A line of JSON when anything changed, and one at the end, behind what the file has already. It goes on until
            Ctrl-C, SIGTERM, or until nobody reads any more. `balloonctl plot` makes a picture of it.

            \(Exit.codes(
                Exit.noXen, (Exit.usage, "usage, or the file is no record"),
                (Exit.inputOutput, "the file cannot be written"),
                (Exit.temporary, "the daemon does not answer, or the file is being written")))
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
            // If nothing can be read at all no file is made.
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
            // After a suspend there is nothing to make up for.
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

    /// nil: nobody answers, which is told once.
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
    /// What of it is recorded.
    var balloons: [RecordLine.Balloon] {
        vnodes.map {
            RecordLine.Balloon(
                vnode: $0.vnode, size: $0.size, target: $0.target, forced: $0.forced,
                balloon: $0.balloon, state: $0.state, reason: $0.reason)
        }
    }
}

extension Live {
    /// What went wrong when the daemon was asked.
    static func sentence(_ error: any Error) -> String {
        switch error {
        case let error as BalloonError: error.description
        case let refusal as Refusal: refusal.error
        default: "the daemon's answer cannot be read"
        }
    }
}
