import ArgumentParser
import Logging
import VNodeBalloon

struct DaemonCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daemon", abstract: "Follow the balloon targets in xenstore, in the foreground.")

    @OptionGroup var common: CommonOptions

    @Flag(help: "Only check the configuration.")
    var checkConfig = false

    @Option(help: ArgumentHelp("What each node keeps at least (KiB, or with k, m, g, t).", valueName: "size"))
    var minFree: String?

    @Option(help: ArgumentHelp("When a node runs short of memory: hold, or yield some.", valueName: "policy"))
    var onPressure: String?

    @Option(help: ArgumentHelp("What each vnode's memory never goes below.", valueName: "size"))
    var floor: String?

    @Option(help: ArgumentHelp("What yielding leaves in each balloon.", valueName: "size"))
    var yieldTo: String?

    @Option(help: ArgumentHelp("MiB a second; 0: unlimited.", valueName: "MiB"))
    var maxRate: String?

    @Option(help: ArgumentHelp("trace, debug, info, notice, warning, error or critical.", valueName: "level"))
    var logLevel: String?

    mutating func validate() throws { try CommonOptions.check(options) }

    func run() throws {
        try Exit.onError {
            let settings = try common.settings(options)
            if checkConfig { return }
            try Exit.requireRoot()
            let log = ErrorLog.logger(level: settings.logLevel)
            let daemon = try BalloonDaemon(configuration: settings, log: log) { () throws(BalloonError) in
                let settings = try common.settings(options)
                ErrorLog.setLevel(settings.logLevel)
                return settings
            }
            try daemon.run()
        }
    }

    private var options: [(key: String, value: String?)] {
        [
            ("min-free", minFree), ("on-pressure", onPressure), ("floor", floor), ("yield-to", yieldTo),
            ("max-rate", maxRate), ("log-level", logLevel),
        ]
    }
}
