import ArgumentParser
import BalloonCore
import BalloonHost

struct HostListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show domains, their vnodes, and the physical nodes.")

    @Argument(help: "Show only these domains, by name, number or UUID.")
    var domains: [String] = []

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var listing: ListingOptions<HostListColumns>

    @Flag(help: "Show the table repeatedly, until Ctrl-C.")
    var watch = false

    @Option(help: "With --watch: the interval in seconds.")
    var every: UInt64 = 2

    @Flag(help: "Let Xen count on which physical nodes the memory lies, and report how long that took.")
    var measure = false

    mutating func validate() throws {
        if listing.isUsed && json {
            throw ValidationError("-o, --no-header and --bytes are of the table, not of --json")
        }
        guard !measure || !watch else {
            throw ValidationError("--measure has Xen visit each page of each domain: once, and not with --watch")
        }
        guard !measure || !listing.style.isForPrograms else {
            throw ValidationError("what --measure counts is in the usual view and in --json")
        }
        guard (1...86400).contains(every) else { throw ValidationError("seconds are 1 to 86400") }
    }

    func run() throws {
        try Exit.onError {
            // Who only looks wants to know at once that nothing is to be seen.
            let session = try HostSession(patience: StoreSilence.patience)
            repeat {
                let snapshot = try session.engine.read()
                let chosen = try domains.map { (name) throws(BalloonError) in try snapshot.domain(name).id }
                let counted = measure ? try session.xen.walkNodes() : nil
                let walk = counted.map { NodeWalk(parsing: $0.text, cost: $0.cost) }
                let report = HostReport(snapshot, only: chosen.isEmpty ? nil : Set(chosen), walk: walk)
                if json {
                    Terminal.show(report.json)
                } else {
                    if watch && Terminal.isShown { Terminal.clear() }
                    Terminal.show(report.text(listing.style))
                }
                if Terminal.outputError != nil { return }
                if watch { sleep(for: .seconds(every)) }
            } while watch
        }
    }
}

extension Terminal {
    /// Clears the screen, for a view that is shown again and again.
    static func clear() { show("\u{1b}[H\u{1b}[2J") }
}

/// The domains' columns, or the physical nodes'.
enum HostListColumns: ListedColumns {
    static var usual: [String] { HostReport.domainColumns.map(\.name) }
    static var others: [String] { HostReport.nodeColumns.map(\.name).filter { !usual.contains($0) } }
    /// A table has columns of one kind only.
    static func fault(_ style: ListingStyle) -> String? {
        HostReport.table(style) == nil ? "columns of domains and of physical nodes are not of one table" : nil
    }
}
