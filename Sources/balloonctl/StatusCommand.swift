import ArgumentParser
import VNodeBalloon

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the balloons.",
        discussion: Exit.codes(
            Exit.noXen, (Exit.temporary, "a size is not known and stays so without help, or xenstore does not answer")))

    @OptionGroup var common: CommonOptions

    @Flag(help: "Print JSON for programs.")
    var json = false

    @OptionGroup var listing: ListingOptions<StatusColumns>

    @Flag(help: "Show the status repeatedly, until Ctrl-C.")
    var watch = false

    @Flag(help: "Show all figures of this guest's memory, and how they add up.")
    var explain = false

    @Argument(help: "With --watch: the interval in seconds, 1 to 86400 (default: 2).")
    var seconds: UInt64?

    mutating func validate() throws {
        if seconds != nil && !watch { throw ValidationError("seconds go with --watch") }
        if listing.isUsed && (json || explain) {
            throw ValidationError("-o, --no-header and --bytes are of the table, not of --json or --explain")
        }
        if let seconds, !(1...86400).contains(seconds) { throw ValidationError("seconds are 1 to 86400") }
    }

    func run() throws {
        try Exit.onError {
            let settings = try common.settingsWhateverTheFileSays()
            repeat {
                try showOnce(settings)
                // The reader of standard output is gone.
                if Terminal.outputError != nil { return }
                if watch { sleep(for: .seconds(seconds ?? 2)) }
            } while watch
        }
    }

    /// Uses a session of its own: without a daemon a session has the lock, which no process may keep while it sleeps.
    private func showOnce(_ settings: Settings) throws {
        // Opened before the session drops the capability that this needs.
        let hypervisor = explain ? try? PrivcmdHypervisor() : nil
        let session = try Session(settings, isReading: true)
        if explain { return Terminal.show(try explanation(session, hypervisor)) }
        let report = try session.status()
        if json { Terminal.show(report.json) } else { show(report) }
        // A size that is not known, and will not become known by itself, is a failure.
        if report.vnodes.contains(where: { $0.balloon == nil && $0.detail != nil }) { throw Exit.temporary }
        if report.isCutOff { throw Exit.temporary }
    }

    private func explanation(_ session: Session, _ hypervisor: PrivcmdHypervisor?) throws -> String {
        let report = try session.status()
        let explanation = Explanation(
            try MemoryFigures.gather(
                balloons: report.given,
                moduleVNodes: report.backend == "module" ? report.vnodes.count : nil, hypervisor))
        return json ? explanation.json : explanation.text
    }

    private func show(_ report: StatusReport) {
        var text = StatusText(report, columns: Terminal.columns, style: listing.style).text
        if watch, Terminal.isShown { text = Terminal.time + "\n" + text }
        Terminal.show(text, inPlace: watch)
    }
}

enum StatusColumns: ListedColumns {
    static var usual: [String] { StatusText.columns.filter(\.isUsual).map(\.name) }
    static var others: [String] { StatusText.columns.filter { !$0.isUsual }.map(\.name) }
}
