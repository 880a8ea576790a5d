import ArgumentParser
import VNodeBalloon

@main
struct Balloonctl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "balloonctl",
        abstract: "Memory balloons of a Xen guest, one for each virtual NUMA node.",
        discussion: """
            A size is \(Size.form).

            \(Exit.table)
            """,
        version: "0.1.0",
        subcommands: [
            DaemonCommand.self, StatusCommand.self, ForceCommand.self, DeflateCommand.self, GivenCommand.self,
            AuditCommand.self, DoctorCommand.self, MetricsCommand.self, TopCommand.self, RecordCommand.self,
            PlotCommand.self, HoldCommand.self, HostCommand.self,
        ])

    func run() throws { throw ValidationError("a command is missing") }

    /// Every command's way to its end: output that cannot be written is an error, and has an exit code.
    static func main() {
        // Before anything is opened, whose number could be that of standard output.
        ThisProcess.prepare()
        var code = ExitCode.success
        do {
            // Swift reads its arguments there, the command's name first; and nothing here goes without it.
            guard !CommandLine.arguments.isEmpty else {
                throw BalloonError(
                    .environment,
                    "/proc is not mounted here, so not even the arguments can be read; run:"
                        + " mount -t proc proc /proc")
            }
            try checkHelp(Array(CommandLine.arguments.dropFirst()))
            var command = try parseAsRoot()
            try command.run()
        } catch let error as BalloonError {
            Terminal.complain(error.description)
            code = Exit.code(of: error)
        } catch {
            code = exitCode(for: error)
            let text = fullMessage(for: error)
            if !text.isEmpty {
                if code == .success { Terminal.show(text) } else { Terminal.explain(mistake: text) }
            }
        }
        exit(withError: code == .success ? Exit.ofOutput() : code)
    }

    /// `help nonsense` is a mistake like `nonsense`: the parser would show the general help.
    private static func checkHelp(_ arguments: [String]) throws {
        guard arguments.first == "help", let name = arguments.dropFirst().first, !name.hasPrefix("-") else { return }
        if name == "help" && arguments.count == 2 { return }
        var commands = configuration.subcommands
        for name in arguments.dropFirst() {
            guard let found = commands.first(where: { $0.configuration.commandName == name }) else {
                throw ValidationError("there is no command \(arguments.dropFirst().joined(separator: " "))")
            }
            commands = found.configuration.subcommands
        }
    }
}

/// What every command takes.
struct CommonOptions: ParsableArguments {
    @Option(
        name: .customLong("state-dir"),
        help: ArgumentHelp("The state directory (default: \(Settings().stateDirectory)).", valueName: "directory"),
        completion: .directory)
    var stateDirectory: String?

    @Option(
        help: ArgumentHelp(
            "The configuration file (default: \(Settings.standardPath), which need not exist).", valueName: "file"),
        completion: .file())
    var config: String?

    /// Wrong values on the command line are usage errors; in the file they are configuration errors.
    mutating func validate() throws { try Self.check([("state-dir", stateDirectory)]) }

    static func check(_ options: [(key: String, value: String?)]) throws {
        var checked = Settings()
        for (key, value) in options {
            if let value, let fault = checked.set(key, value) { throw ValidationError(fault) }
        }
    }

    var configurationPath: String { config ?? Settings.standardPath }

    /// The file, with the command line's options over it. A file that is not there says nothing.
    /// - Throws: `.invalidConfiguration`.
    func settings(_ options: [(key: String, value: String?)] = []) throws(BalloonError) -> Settings {
        try overridden(try Settings(path: configurationPath), options)
    }

    /// The same for commands that report, or take memory back: they must not depend on a file that anyone may have
    /// spoilt. Its faults are printed, and faulty lines do not count.
    func settingsWhateverTheFileSays() throws(BalloonError) -> Settings {
        let (settings, fault) = try settingsAndFault()
        if let fault { Terminal.complain("warning: \(fault.description)") }
        return settings
    }

    /// The same, and what is wrong with the file.
    func settingsAndFault() throws(BalloonError) -> (Settings, fault: BalloonError?) {
        let (settings, fault) = Settings.read(path: configurationPath)
        return (try overridden(settings, []), fault)
    }

    private func overridden(
        _ settings: Settings, _ options: [(key: String, value: String?)]
    ) throws(BalloonError) -> Settings {
        var settings = settings
        for (key, value) in [("state-dir", stateDirectory)] + options {
            if let value, let fault = settings.set(key, value) { throw BalloonError(.usage, fault) }
        }
        return settings
    }
}

/// ArgumentParser's commands have a `configuration`, too.
typealias Settings = VNodeBalloon.Configuration
