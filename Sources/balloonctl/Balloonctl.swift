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

    /// Runs the command and ends the program. Output that cannot be written is an error and has an exit code.
    static func main() {
        // Must come before any file is opened: its descriptor could get the number of standard output.
        ThisProcess.prepare()
        var code = ExitCode.success
        do {
            // Swift reads the arguments from /proc, the program's name first. Nothing here works without /proc.
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

    /// Makes `help nonsense` an error like `nonsense`: the parser would show the general help.
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

/// The options of every command.
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

    /// The settings of the file, overridden by the command line's options. A missing file changes nothing.
    /// - Throws: `.invalidConfiguration`.
    func settings(_ options: [(key: String, value: String?)] = []) throws(BalloonError) -> Settings {
        try overridden(try Settings(path: configurationPath), options)
    }

    /// The settings for commands that report or take memory back. They must not depend on a file that any program may
    /// have damaged: its errors are printed, and faulty lines are ignored.
    func settingsWhateverTheFileSays() throws(BalloonError) -> Settings {
        let (settings, fault) = try settingsAndFault()
        if let fault { Terminal.complain("warning: \(fault.description)") }
        return settings
    }

    /// The settings without the faulty lines, and the file's errors.
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

/// A second name, because ArgumentParser's commands have a `configuration`, too.
typealias Settings = VNodeBalloon.Configuration
