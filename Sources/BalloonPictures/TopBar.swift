import BalloonCore

/// A vnode's memory as a bar: from the left what is given, then what more could be given, what the guard keeps, and what is
/// in use.
struct TopBar {
    static let legend: [(mark: Character, colour: TopLine.Colour, meaning: String)] = [
        ("#", .balloon, "balloon"), (".", .available, "available"), ("%", .guarded, "kept by the guard"),
        ("=", .faint, "in use"), ("|", .strong, "target"),
    ]

    private let row: TopRow
    private let cells: Int

    /// - Parameter columns: with the brackets.
    init(_ row: TopRow, columns: Int) {
        self.row = row
        cells = max(columns - 2, 1)
    }

    var line: TopLine {
        var line = TopLine("[")
        let goal = row.goal.map { max(cell($0), 1) - 1 }
        for index in 0..<cells {
            let mark = index == goal ? "|" : mark(index)
            line.add(String(mark), Self.legend.first { $0.mark == mark }?.colour ?? .plain)
        }
        line.add("]")
        return line
    }

    /// Where a size ends. A size above 0 has at least one cell.
    private func cell(_ size: KiB) -> Int {
        guard size > .zero, row.size > .zero else { return 0 }
        return max(1, Int((Double(min(size, row.size).count) / Double(row.size.count) * Double(cells)).rounded()))
    }

    private func mark(_ index: Int) -> Character {
        guard let balloon = row.balloon else { return "?" }
        let given = cell(balloon)
        if index < given { return "#" }
        guard let available = row.available else { return "?" }
        // The guest's own part is what the balloon leaves, whatever the node says.
        let rest = row.size.less(balloon)
        let had = min(available, rest)
        let kept = min(row.kept ?? .zero, had)
        let free = cell(min(balloon, row.size) + had - kept)
        if index < free { return "." }
        return index < cell(min(balloon, row.size) + had) ? "%" : "="
    }
}
