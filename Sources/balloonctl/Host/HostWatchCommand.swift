import ArgumentParser
import BalloonCore
import BalloonHost
import Logging

struct HostWatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Prepare domains when they are created, in the foreground.")

    @Option(help: "The configuration file.")
    var config: String?

    @Flag(help: "Only check the configuration.")
    var checkConfig = false

    @Option(help: ArgumentHelp("What to do with memory/target: auto, remove or keep.", valueName: "mode"))
    var memoryTarget: String?

    @Option(help: ArgumentHelp("If another program writes memory/target: revert or tell.", valueName: "what"))
    var onLegacyWrite: String?

    @Option(help: ArgumentHelp("Balance physical nodes continuously: yes or no.", valueName: "yes|no"))
    var balance: String?

    @Option(help: ArgumentHelp("Lower Xen's maximum to what the targets leave: yes or no.", valueName: "yes|no"))
    var enforce: String?

    @Option(help: ArgumentHelp("trace, debug, info, notice, warning, error or critical.", valueName: "level"))
    var logLevel: String?

    private var options: [(key: String, value: String?)] {
        [
            ("memory-target", memoryTarget), ("on-legacy-write", onLegacyWrite), ("balance", balance),
            ("enforce", enforce), ("log-level", logLevel),
        ]
    }

    mutating func validate() throws {
        var checked = HostConfiguration()
        for (key, value) in options {
            if let value, let fault = checked.set(key, value) { throw ValidationError(fault) }
        }
    }

    func run() throws {
        try Exit.onError {
            let settings = try load()
            if checkConfig { return Terminal.show("\(config ?? HostConfiguration.standardPath): fine") }
            try Exit.requireRoot()
            let daemon = try HostDaemon(log: ErrorLog.logger(level: settings.logLevel)) { () throws(BalloonError) in
                let settings = try load()
                ErrorLog.setLevel(settings.logLevel)
                return settings
            }
            try daemon.run()
        }
    }

    private func load() throws(BalloonError) -> HostConfiguration {
        var settings = try HostConfiguration(path: config ?? HostConfiguration.standardPath)
        for (key, value) in options { if let value { _ = settings.set(key, value) } }
        return settings
    }
}
