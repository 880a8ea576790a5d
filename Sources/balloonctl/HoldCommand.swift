import ArgumentParser
import VNodeBalloon

struct HoldCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold",
        abstract: "Keep the balloons' files and pins open. Other commands start it when they need it.",
        discussion: Exit.codes((Exit.temporary, "a holder runs already")),
        shouldDisplay: false)

    @OptionGroup var common: CommonOptions

    @Flag(help: "After an update: replace the running holder by a new one. No page is unpinned meanwhile.")
    var takeOver = false

    func run() throws {
        try Exit.onError {
            let settings = try common.settingsWhateverTheFileSays()
            try Exit.requireRoot()
            if takeOver { return try replace(try StateDirectory(path: settings.stateDirectory)) }
            do throws(BalloonError) {
                let holder = try DescriptorHolder(state: try StateDirectory(path: settings.stateDirectory))
                try holder.run(isNeeded: HolderNeed.isThere(settings))
            } catch {
                // The exit code must not be that of "a holder runs already": the service would then count as ended, and
                // systemd would close all descriptors that are stored for it.
                guard error.code == .descriptors else { throw error }
                Terminal.complain("\(error)")
                throw Exit.unavailable
            }
        }
    }

    private func replace(_ state: StateDirectory) throws {
        let complain = { (error: BalloonError) in
            Terminal.complain("\(error); all pins are in this process alone: do not end it, it tries again each second")
        }
        guard let count = try HolderTakeover.runAlone(state: state, complain: complain) else {
            return Terminal.show("no keeper runs: nothing is kept")
        }
        Terminal.show(
            count == 0
                ? "the keeper kept nothing, and has ended"
                : "a new keeper has all \(count) files and pins of the old one")
    }
}
