import ArgumentParser
import Glibc
import Logging
import VNodeBalloon

struct DaemonCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daemon", abstract: "Follow the balloon targets in xenstore, in the foreground.",
        discussion: """
            Each option takes precedence over its key in the configuration file. A size is \(Size.form).

            \(Exit.codes(
                Exit.noXen, (Exit.temporary, "another daemon or command is at work"),
                (Exit.configuration, "bad configuration")))
            """)

    private static let defaults = Settings()

    @OptionGroup var common: CommonOptions

    @Flag(help: "Only check the configuration, and report its faults.")
    var checkConfig = false

    @Option(
        help: ArgumentHelp(
            "Take over the balloon of another state directory: take its memory back first.", valueName: "directory"),
        completion: .directory)
    var adopt: String?

    @Option(
        help: ArgumentHelp(
            "What moves the memory: \(MoverName.allCases.map(\.rawValue).joined(separator: ", ")) (default: \(Self.defaults.mover.rawValue)).",
            valueName: "mover"),
        completion: .list(MoverName.allCases.map(\.rawValue)))
    var mover: String?

    @Option(
        help: ArgumentHelp(
            "The least free memory that each node keeps (default: \(Self.defaults.minFree), which is 5 % and at least 32 MiB).",
            valueName: "size"))
    var minFree: String?

    @Option(
        help: ArgumentHelp(
            "When a node runs short of memory: hold the balloon, or yield some of it (default: \(Self.defaults.onPressure.rawValue)).",
            valueName: "policy"),
        completion: .list(Settings.OnPressure.allCases.map(\.rawValue)))
    var onPressure: String?

    @Option(
        help: ArgumentHelp(
            "The least memory that each vnode keeps (default: \(Self.defaults.floor)).", valueName: "size"))
    var floor: String?

    @Option(
        help: ArgumentHelp(
            "How much of each balloon yielding leaves (default: \(Self.defaults.yieldTo)).", valueName: "size"))
    var yieldTo: String?

    @Option(
        help: ArgumentHelp(
            "MiB a second for all balloons together (default: \(Self.defaults.maxRateMiB), which means no limit).",
            valueName: "MiB"))
    var maxRate: String?

    @Option(
        help: ArgumentHelp(
            "\(Settings.logLevels.joined(separator: ", ")) (default: \(Self.defaults.logLevel)).", valueName: "level"),
        completion: .list(Settings.logLevels))
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

    /// Checks the configuration. A file that the command line names must exist.
    private func check() throws(BalloonError) {
        let path = common.configurationPath
        // Unsafe: a C string for the call.
        let isThere = unsafe access(path, F_OK) == 0
        guard isThere || common.config == nil else {
            throw BalloonError(.invalidConfiguration, "there is no configuration \(path)")
        }
        _ = try common.settings(options)
        let files = Settings.files(path: path).map { "\($0): fine" }
        Terminal.show(
            files.isEmpty ? "there is no \(path), so all has its default: fine" : files.joined(separator: "\n"))
    }

    private var options: [(key: String, value: String?)] {
        [
            ("mover", mover), ("min-free", minFree), ("on-pressure", onPressure), ("floor", floor),
            ("yield-to", yieldTo), ("max-rate", maxRate), ("log-level", logLevel),
        ]
    }
}
