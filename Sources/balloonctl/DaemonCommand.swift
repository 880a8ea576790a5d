import ArgumentParser
import Glibc
import Logging
import VNodeBalloon

struct DaemonCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daemon", abstract: "Follow the balloon targets in xenstore, in the foreground.")

    @OptionGroup var common: CommonOptions

    @Flag(help: "Only check the configuration.")
    var checkConfig = false

    @Option(
        help: ArgumentHelp(
            "Take over the balloon of another state directory: it is taken back first.", valueName: "directory"))
    var adopt: String?

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

    mutating func validate() throws {
        try CommonOptions.check(options)
        if let adopt, !adopt.hasPrefix("/") { throw ValidationError("--adopt takes an absolute path") }
    }

    func run() throws {
        try Exit.onError {
            if checkConfig { return try check() }
            let settings = try common.settings(options)
            try Exit.requireRoot()
            let log = ErrorLog.logger(level: settings.logLevel)
            let daemon = try BalloonDaemon(configuration: settings, adopted: adopt, log: log) {
                () throws(BalloonError) in
                let settings = try common.settings(options)
                ErrorLog.setLevel(settings.logLevel)
                return settings
            }
            try daemon.run()
        }
    }

    /// Whoever names a file wants it to be there.
    private func check() throws(BalloonError) {
        let path = common.configurationPath
        // Unsafe: a C string for the call.
        let isThere = unsafe access(path, F_OK) == 0
        guard isThere || common.config == nil else {
            throw BalloonError(.invalidConfiguration, "there is no configuration \(path)")
        }
        _ = try common.settings(options)
        Terminal.show(isThere ? "\(path): fine" : "there is no \(path), so all has its default: fine")
    }

    private var options: [(key: String, value: String?)] {
        [
            ("min-free", minFree), ("on-pressure", onPressure), ("floor", floor), ("yield-to", yieldTo),
            ("max-rate", maxRate), ("log-level", logLevel),
        ]
    }
}
