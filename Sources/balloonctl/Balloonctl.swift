import ArgumentParser
import VNodeBalloon

@main
struct Balloonctl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "balloonctl",
        abstract: "Memory balloons of a Xen guest, one for each virtual NUMA node.",
        version: "0.1.0",
        subcommands: [
            DaemonCommand.self, StatusCommand.self, ForceCommand.self, DeflateCommand.self, AuditCommand.self,
            DoctorCommand.self, HoldCommand.self,
        ])
}

/// What every command takes.
struct CommonOptions: ParsableArguments {
    @Option(name: .customLong("state-dir"), help: "The state directory.")
    var stateDirectory: String?

    /// An absolute path, or the standard one.
    var state: String { stateDirectory ?? StateDirectory.standardPath }

    mutating func validate() throws {
        guard state.hasPrefix("/"), state.utf8.count < 80 else {
            throw ValidationError("--state-dir must be a short absolute path")
        }
    }
}
