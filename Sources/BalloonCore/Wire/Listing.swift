/// One cell of a listing.
public enum ListingCell: Equatable, Sendable {
    case word(String)
    case number(Int)
    case size(KiB)
    /// The row has no such figure.
    case none
    /// The figure exists and is not known.
    case unknown

    /// A size, or why there is none.
    public static func size(_ size: KiB?, else missing: ListingCell = .none) -> ListingCell {
        size.map { .size($0) } ?? missing
    }

    public static func number(_ number: Int?, else missing: ListingCell = .none) -> ListingCell {
        number.map { .number($0) } ?? missing
    }

    /// Never empty, and without a blank: a script that cuts lines into words gets as many as there are columns.
    func text(inBytes: Bool) -> String {
        switch self {
        case .word(let word): return word.isEmpty ? "-" : Self.escaped(word)
        case .number(let number): return "\(number)"
        case .size(let size): return inBytes ? Size.bytes(size) : Size.short(size)
        case .none: return "-"
        case .unknown: return "?"
        }
    }

    /// As util-linux escapes it: a domain's name may have any character.
    private static func escaped(_ word: String) -> String {
        word.utf8.map { byte in
            if byte > 0x20 && byte < 0x7f && byte != UInt8(ascii: "\\") { return String(UnicodeScalar(byte)) }
            return "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}

/// One column of a listing: its name, and what of a row stands in it.
public struct ListingColumn<Row>: Sendable {
    public let name: String
    /// Shown when no columns are chosen.
    public let isUsual: Bool
    /// To the left; numbers are to the right.
    let isWord: Bool
    let cell: @Sendable (Row) -> ListingCell

    public init(
        _ name: String, isWord: Bool = false, isUsual: Bool = true, _ cell: @escaping @Sendable (Row) -> ListingCell
    ) {
        self.name = name
        self.isWord = isWord
        self.isUsual = isUsual
        self.cell = cell
    }
}

/// How a listing is to be printed.
public struct ListingStyle: Equatable, Sendable {
    /// nil: the usual ones.
    public var columns: [String]?
    public var hasHeader: Bool
    public var inBytes: Bool

    /// - Parameter columns: names with commas in between, in either case.
    public init(columns: String? = nil, hasHeader: Bool = true, inBytes: Bool = false) {
        self.columns = columns?.split(separator: ",", omittingEmptySubsequences: false).map { $0.uppercased() }
        self.hasHeader = hasHeader
        self.inBytes = inBytes
    }

    /// For a program: one table, and nothing else around it.
    public var isForPrograms: Bool { columns != nil || !hasHeader }
}

/// A table that people read and scripts cut into words.
public struct Listing<Row> {
    private let columns: [ListingColumn<Row>]
    private let style: ListingStyle

    /// nil: one of the columns is not among these.
    public init?(_ all: [ListingColumn<Row>], _ style: ListingStyle = ListingStyle()) {
        self.style = style
        guard let names = style.columns else {
            columns = all.filter(\.isUsual)
            return
        }
        columns = names.compactMap { name in all.first { $0.name == name } }
        guard columns.count == names.count else { return nil }
    }

    public func cells(_ rows: [Row]) -> [[String]] {
        (style.hasHeader ? [columns.map(\.name)] : [])
            + rows.map { row in columns.map { $0.cell(row).text(inBytes: style.inBytes) } }
    }

    /// Columns at least two spaces apart.
    public func text(_ rows: [Row]) -> String {
        let lines = cells(rows)
        let widths = columns.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { cells in
            let line = cells.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                return columns[column].isWord ? cell + padding : padding + cell
            }.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }
}
