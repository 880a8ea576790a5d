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

    @OptionGroup var options: RecordOptions

    func run() throws {
        try Exit.onError {
            let settings = try common.settingsWhateverTheFileSays()
            try options.record(.guest) {
                RecordLine.Sight(vnodes: try Session(settings, isReading: true).status().balloons)
            }
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
