import ArgumentParser
import BalloonCore

/// The columns of a command's tables.
protocol ListedColumns {
    static var usual: [String] { get }
    /// The columns that are shown only when they are named.
    static var others: [String] { get }
    /// Why these columns, all of which exist, cannot be shown together; nil: they can.
    static func fault(_ style: ListingStyle) -> String?
}

extension ListedColumns {
    static var all: [String] { usual + others }
    static func fault(_ style: ListingStyle) -> String? { nil }
}

/// The options of a command with a table, named as in other tools of this kind.
struct ListingOptions<Columns: ListedColumns>: ParsableArguments {
    @Option(
        name: [.customShort("o"), .customLong("columns")],
        help: ArgumentHelp(
            "Show only these columns, separated by commas, and nothing else: "
                + (Columns.usual + Columns.others).joined(separator: ", ").lowercased() + ".",
            valueName: "columns"),
        completion: .list(Columns.all.map { $0.lowercased() }))
    var columns: String?

    @Flag(help: "Leave out the table's heading.")
    var noHeader = false

    @Flag(help: "Show sizes in the table in bytes (default: MiB, as 64M).")
    var bytes = false

    mutating func validate() throws {
        guard let names = style.columns else { return }
        for name in names where !Columns.all.contains(name) {
            throw ValidationError(
                "there is no column '\(name.lowercased())'; there are "
                    + Columns.all.joined(separator: ", ").lowercased())
        }
        if let fault = Columns.fault(style) { throw ValidationError(fault) }
    }

    var style: ListingStyle { ListingStyle(columns: columns, hasHeader: !noHeader, inBytes: bytes) }

    var isUsed: Bool { style != ListingStyle() }
}
