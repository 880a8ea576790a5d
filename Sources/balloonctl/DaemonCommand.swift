import ArgumentParser
import Logging
import VNodeBalloon

struct DaemonCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daemon", abstract: "Follow the balloon targets in xenstore, in the foreground.")

    @OptionGroup var common: CommonOptions

    @Option(help: "The configuration file.")
    var config: String?

    @Flag(help: "Only check the configuration.")
    var checkConfig = false

    @Option(help: ArgumentHelp("What each node keeps at least (KiB, or with k, m, g, t).", valueName: "size"))
    var minFree: String?

    @Option(help: ArgumentHelp("What to do when a node runs short: hold or yield.", valueName: "policy"))
    var onPressure: String?

    @Option(help: ArgumentHelp("With yield: what a vnode's memory never goes below.", valueName: "size"))
    var floor: String?

    @Option(help: ArgumentHelp("MiB a second; 0: unlimited.", valueName: "MiB"))
    var maxRate: String?

    @Option(help: ArgumentHelp("trace, debug, info, notice, warning, error or critical.", valueName: "level"))
    var logLevel: String?

    /// Wrong values on the command line are usage errors; in the file they are configuration errors.
    mutating func validate() throws {
        var checked = Configuration()
        for (key, value) in overrides {
            if let fault = checked.set(key, value) { throw ValidationError(fault) }
        }
    }

    func run() throws {
        try Exit.onError {
            let settings = try read()
            if checkConfig { return }
            try Exit.requireRoot()
            let log = ErrorLog.logger(level: settings.logLevel)
            let daemon = try BalloonDaemon(configuration: settings, log: log) { () throws(BalloonError) in
                try read().controllerOptions
            }
            try daemon.run()
        }
    }

    private var overrides: [(String, String)] {
        let all = [
            ("state-dir", common.stateDirectory), ("min-free", minFree), ("on-pressure", onPressure),
            ("floor", floor), ("max-rate", maxRate), ("log-level", logLevel),
        ]
        return all.compactMap { key, value in value.map { (key, $0) } }
    }

    /// The file, with the command line's options over it.
    private func read() throws(BalloonError) -> VNodeBalloon.Configuration {
        var settings = try VNodeBalloon.Configuration(
            path: config ?? VNodeBalloon.Configuration.standardPath, mayBeAbsent: config == nil)
        for (key, value) in overrides {
            if let fault = settings.set(key, value) { throw BalloonError(.usage, fault) }
        }
        return settings
    }
}
