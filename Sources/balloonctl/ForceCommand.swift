import ArgumentParser
import FoundationEssentials
import VNodeBalloon

struct ForceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "force", abstract: "Force one balloon to a size, whatever xenstore says, until --release.",
        discussion: """
            Waits until the balloon has this size. Ctrl-C ends only the waiting: the balloon goes on moving.

            \(Exit.codes(
                Exit.noXen, (Exit.temporary, "the balloon is held short of its size, or another process is at work"),
                (Exit.configuration, "bad configuration, and SIZE is above 0"),
                (Exit.interrupted, "Ctrl-C while waiting")))
            """)

    @OptionGroup var common: CommonOptions

    @Argument(help: "The vnode's number; the first is 0.", completion: .custom { _, _, _ in Self.nodes() })
    var vnode: Int

    @Argument(help: "The size of its balloon: \(Size.form).")
    var size: String?

    @Flag(help: "Follow xenstore again.")
    var release = false

    @Flag(help: "Print JSON for programs, a line for each vnode.")
    var json = false

    mutating func validate() throws {
        guard vnode >= 0 else { throw ValidationError("a vnode's number is 0 or more") }
        guard (size == nil) == release else { throw ValidationError("either SIZE or --release") }
        if let size, Size(size) == nil {
            throw ValidationError("not a size: \(size) (\(Size.form))")
        }
    }

    /// For a shell's completion: the numbers of Linux's nodes, which any user may read and which usually equal the
    /// vnodes' numbers.
    private static func nodes() -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/sys/devices/system/node")) ?? []
        let numbers = names.compactMap { $0.hasPrefix("node") ? Int($0.dropFirst(4)) : nil }
        return numbers.sorted().map(String.init)
    }

    func run() throws {
        try Exit.onError {
            try ForcedSize.run(common, vnode: vnode, size: size.flatMap { Size($0) }?.kib, json: json)
        }
    }
}

/// What `force` and `deflate` have in common.
enum ForcedSize {
    /// - Parameters:
    ///   - vnode: nil for all.
    ///   - size: nil to release.
    static func run(_ common: CommonOptions, vnode: Int?, size: KiB?, json: Bool) throws {
        // To give memory needs a valid configuration, because its limits apply. To take memory back must work with a
        // faulty one, too.
        let settings = size ?? .zero > .zero ? try common.settings() : try common.settingsWhateverTheFileSays()
        let session = try Session(settings)
        let report = try session.ask(.force(vnode: vnode, size: size), as: StatusReport.self)
        var vnodes = report.vnodes.filter { vnode == nil || $0.vnode == vnode }
        if let size {
            let rounded = size.roundedDown(to: report.granularity)
            if rounded != size {
                Terminal.complain(
                    "rounded down to \(Size.text(rounded)): balloons are multiples of \(report.granularity) KiB"
                )
            }
            let goals = Dictionary(uniqueKeysWithValues: vnodes.map { ($0.vnode, rounded) })
            // Printed however the waiting ends.
            defer {
                if vnode == nil {
                    Terminal.complain(
                        "every balloon stays forced to \(Size.text(rounded)), whatever xenstore says, until"
                            + " balloonctl deflate --release")
                }
            }
            vnodes = try Waiting(session: session, goals: goals).run()
        }
        show(vnodes, json: json)
        // The memory moves first. Then the command reports if the forced size could not be saved for a restart.
        if let error = try session.status().forceError {
            Terminal.complain(error)
            throw Exit.temporary
        }
    }

    private static func show(_ vnodes: [StatusReport.VNodeReport], json: Bool) {
        for vnode in vnodes {
            let forced = vnode.forced == nil ? "follows xenstore" : "forced"
            Terminal.show(
                json ? vnode.json : "vnode \(vnode.vnode): balloon \(Size.text(known: vnode.balloon)), \(forced)")
        }
    }
}

struct DeflateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deflate", abstract: "Take all memory back, until --release.",
        discussion: Exit.codes(
            Exit.noXen, (Exit.temporary, "Xen has not enough memory, or another process is at work"),
            (Exit.interrupted, "Ctrl-C while waiting")))

    @OptionGroup var common: CommonOptions

    @Flag(help: "Force every balloon to 0.")
    var all = false

    @Flag(help: "Follow xenstore again.")
    var release = false

    @Flag(help: "Print JSON for programs, a line for each vnode.")
    var json = false

    mutating func validate() throws {
        guard all != release else { throw ValidationError("either --all or --release") }
    }

    func run() throws {
        try Exit.onError {
            try ForcedSize.run(common, vnode: nil, size: all ? .zero : nil, json: json)
        }
    }
}
