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

    func run() throws { throw ValidationError("a command is missing") }
}

/// What every command takes.
struct CommonOptions: ParsableArguments {
    @Option(name: .customLong("state-dir"), help: "The state directory.")
    var stateDirectory: String?

    @Option(help: "The configuration file.")
    var config: String?

    /// Wrong values on the command line are usage errors; in the file they are configuration errors.
    mutating func validate() throws { try Self.check([("state-dir", stateDirectory)]) }

    static func check(_ options: [(key: String, value: String?)]) throws {
        var checked = Settings()
        for (key, value) in options {
            if let value, let fault = checked.set(key, value) { throw ValidationError(fault) }
        }
    }

    /// The file, with the command line's options over it. A file that is not there says nothing.
    func settings(_ options: [(key: String, value: String?)] = []) throws(BalloonError) -> Settings {
        var settings = try Settings(path: config ?? Settings.standardPath)
        for (key, value) in [("state-dir", stateDirectory)] + options {
            if let value, let fault = settings.set(key, value) { throw BalloonError(.usage, fault) }
        }
        return settings
    }
}

/// ArgumentParser's commands have a `configuration`, too.
typealias Settings = VNodeBalloon.Configuration
