import ArgumentParser
import FoundationEssentials
import VNodeBalloon

/// Where the figures go.
struct MetricsDestination: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Replace this file as a whole, instead of writing to standard output.", valueName: "file"),
        completion: .file())
    var output: String?

    /// - Throws: ``Exit/inputOutput`` when the file cannot be written. It is as it was then.
    func write(_ text: String) throws {
        guard let output else { return Terminal.showText(text) }
        do {
            try Data(text.utf8).write(to: URL(filePath: output), options: .atomic)
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: output)
        } catch {
            Terminal.complain("cannot write \(output): does its folder exist, and has it room?")
            throw Exit.inputOutput
        }
    }
}

/// Only asks a daemon: it takes no lock and moves nothing.
struct MetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics", abstract: "Print figures for Prometheus.",
        discussion: """
            The format is that of node_exporter's textfile collector. Without a daemon the figures say so
            (vnode_balloon_daemon_up 0), and the command does not fail.

            \(Exit.codes((Exit.inputOutput, "the output cannot be written"), (Exit.temporary, "the daemon does not answer")))
            """)

    @OptionGroup var common: CommonOptions

    @OptionGroup var destination: MetricsDestination

    func run() throws {
        try Exit.onError {
            let settings = try common.settingsWhateverTheFileSays()
            try Exit.requireRoot()
            let text = try Self.text(settings)
            try destination.write(text)
        }
    }

    private static func text(_ settings: Settings) throws -> String {
        let client = try ControlClient(state: settings.stateDirectory)
        let mounts = try? BalloonMount.all()
        let report: StatusReport? = try client.map { try ask($0, .status) }
        return Metrics(
            version: Balloonctl.configuration.version,
            report: report, counters: try client.map { try ask($0, .counters) },
            // The kernel module needs no holder.
            holderIsUp: report?.backend == "module" ? nil : StateDirectory.hasHolder(settings.stateDirectory),
            files: mounts?.reduce(.zero) { $0 + $1.size }
        ).text
    }

    private static func ask<T: Decodable>(_ client: ControlClient, _ request: ControlRequest) throws -> T {
        try JSONDecoder().decode(T.self, from: Data(client.ask(request).utf8))
    }
}
