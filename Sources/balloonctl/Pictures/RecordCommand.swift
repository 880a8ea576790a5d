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
