import ArgumentParser
import VNodeBalloon

struct ForceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "force", abstract: "Set one balloon, whatever xenstore says, until it is released.")

    @OptionGroup var common: CommonOptions

    @Argument(help: "The vnode's number.")
    var vnode: Int

    @Argument(help: "The size of its balloon (KiB, or with k, m, g, t).")
    var size: String?

    @Flag(help: "Follow xenstore again.")
    var release = false

    @Flag(help: "Print JSON.")
    var json = false

    mutating func validate() throws {
        guard vnode >= 0 else { throw ValidationError("a vnode's number is 0 or more") }
        guard (size == nil) == release else { throw ValidationError("either SIZE or --release") }
        if let size, Size(size) == nil {
            throw ValidationError("not a size: \(size) (a whole number with k, m, g or t; a bare number is KiB)")
        }
    }

    func run() throws {
        try Exit.onError {
            try ForcedSize.run(common, vnode: vnode, kib: size.flatMap { Size($0) }?.kib, json: json)
        }
    }
}

/// What `force` and `deflate` have in common.
enum ForcedSize {
    /// - Parameters:
    ///   - vnode: nil for all.
    ///   - kib: nil to release.
    static func run(_ common: CommonOptions, vnode: Int?, kib: UInt64?, json: Bool) throws {
        // Memory that is given follows the configuration's limits; memory is taken back whatever that says.
        let settings = kib ?? 0 > 0 ? try common.settings() : try common.settingsWhateverTheFileSays()
        let session = try Session(settings)
        let report = try session.ask(.force(vnode: vnode, kib: kib), as: StatusReport.self)
        var vnodes = report.vnodes.filter { vnode == nil || $0.vnode == vnode }
        if let kib {
            let rounded = kib / report.granularityKib * report.granularityKib
            if rounded != kib {
                Terminal.complain("rounded down to \(Size.text(kib: rounded)): balloons are whole 2 MiB pages")
            }
            let goals = Dictionary(uniqueKeysWithValues: vnodes.map { ($0.vnode, rounded) })
            vnodes = try Waiting(session: session, goals: goals).run()
        }
        show(vnodes, json: json)
        // The memory comes first. That the wish does not outlive a restart is told after it.
        if let error = try session.status().forceError {
            Terminal.complain(error)
            throw Exit.temporary
        }
    }

    private static func show(_ vnodes: [StatusReport.VNodeReport], json: Bool) {
        for vnode in vnodes {
            let forced = vnode.forcedKib == nil ? "follows xenstore" : "forced"
            Terminal.show(
                json ? vnode.json : "vnode \(vnode.vnode): balloon \(Size.text(known: vnode.balloonKib)), \(forced)")
        }
    }
}

struct DeflateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deflate", abstract: "Take all memory back, until it is released.")

    @OptionGroup var common: CommonOptions

    @Flag(help: "Force every balloon to 0.")
    var all = false

    @Flag(help: "Follow xenstore again.")
    var release = false

    @Flag(help: "Print JSON.")
    var json = false

    mutating func validate() throws {
        guard all != release else { throw ValidationError("either --all or --release") }
    }

    func run() throws {
        try Exit.onError {
            try ForcedSize.run(common, vnode: nil, kib: all ? 0 : nil, json: json)
        }
    }
}
