import ArgumentParser
import BalloonCore
import BalloonHost
import CBalloonShim

struct HostListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show domains, their vnodes, and the physical nodes.")

    @Argument(help: "Only these domains, by name, number or UUID.")
    var domains: [String] = []

    @Flag(help: "Print JSON.")
    var json = false

    @Flag(help: "Show it again and again.")
    var watch = false

    @Option(help: "With --watch: seconds in between.")
    var every: UInt64 = 2

    mutating func validate() throws {
        guard (1...86400).contains(every) else { throw ValidationError("seconds are 1 to 86400") }
    }

    func run() throws {
        try Exit.onError {
            let session = try HostSession()
            repeat {
                let snapshot = try session.engine.read()
                let chosen = try domains.map { (name) throws(BalloonError) in try snapshot.domain(name).id }
                let report = HostReport(snapshot, only: chosen.isEmpty ? nil : Set(chosen))
                if json {
                    Terminal.show(report.json)
                } else {
                    if watch && cb_is_terminal(1) { Terminal.clear() }
                    Self.show(report, isWhole: chosen.isEmpty)
                }
                if Terminal.outputError != nil { return }
                if watch { cb_sleep(every * 1_000_000_000) }
            } while watch
        }
    }

    private static func show(_ report: HostReport, isWhole: Bool) {
        Terminal.show(Terminal.columns(report.domainRows, left: [1, 10]))
        if isWhole { Terminal.show(Terminal.columns(report.nodeRows, left: [])) }
        for remark in report.remarks { Terminal.show("! " + remark) }
    }
}

extension Terminal {
    /// Columns at least two spaces apart: those in `left` to the left, the others to the right.
    static func columns(_ rows: [[String]], left: Set<Int>) -> String {
        let count = rows.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            let line = row.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                return left.contains(column) ? cell + padding : padding + cell
            }.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }

    /// An empty screen, for a view that is shown again and again.
    static func clear() { show("\u{1b}[H\u{1b}[2J") }
}
