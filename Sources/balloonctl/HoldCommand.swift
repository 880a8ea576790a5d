import ArgumentParser
import VNodeBalloon

struct HoldCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold",
        abstract: "Keep the balloons' files and pins open. Started by balloonctl where it is needed.",
        discussion: Exit.codes((Exit.temporary, "a holder runs already")),
        shouldDisplay: false)

    @OptionGroup var common: CommonOptions

    func run() throws {
        try Exit.onError {
            let settings = try common.settingsWhateverTheFileSays()
            try Exit.requireRoot()
            try DescriptorHolder(state: try StateDirectory(path: settings.stateDirectory)).run()
        }
    }
}
