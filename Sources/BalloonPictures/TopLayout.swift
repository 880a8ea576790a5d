import BalloonCore

/// What `top` shows, as lines that fit.
public struct TopLayout: Sendable {
    /// What there is to show.
    public struct Frame: Sendable {
        /// 12:00:05
        public var time: String
        public var heading: String
        public var rows: [TopRow]
        /// Why there is nothing to show.
        public var fault: String?

        public init(time: String, heading: String, rows: [TopRow], fault: String? = nil) {
            self.time = time
            self.heading = heading
            self.rows = rows
            self.fault = fault
        }
    }

    /// From so many columns on each vnode is one line.
    static let wide = 110

    private let columns: Int
    /// nil: as many lines as it takes.
    private let height: Int?
    private let order: TopOrder
    private let hasKeys: Bool

    public init(columns: Int, height: Int?, order: TopOrder, hasKeys: Bool) {
        self.columns = max(columns, 12)
        self.height = height
        self.order = order
        self.hasKeys = hasKeys
    }

    public func lines(_ frame: Frame) -> [TopLine] {
        var top = packed([
            TopLine(frame.time, .strong), TopLine(frame.heading), TopLine("by \(order.rawValue)", .faint),
        ])
        let foot = hasKeys ? packed(["q quit", "s sort", "n by number"].map { TopLine($0, .faint) }) : []
        guard frame.fault == nil else {
            return fitted(top + [TopLine()] + folded(frame.fault ?? "").map { TopLine($0, .held) }, foot)
        }
        let rows = order.sorted(frame.rows)
        let blocks = columns >= Self.wide ? table(rows) : rows.map { block($0) + [TopLine()] }
        // On a low screen the vnodes come first.
        let legend = packed(TopBar.legend.map { TopLine("\($0.mark)", $0.colour).followed(by: " \($0.meaning)") })
        let all = blocks.reduce(0) { $0 + $1.count }
        if height.map({ top.count + legend.count + 1 + all + foot.count <= $0 || $0 >= 20 }) ?? true { top += legend }
        top.append(TopLine())
        return fitted(top + shown(blocks, room: height.map { $0 - top.count - foot.count }), foot)
    }

    /// Vnodes as a whole, as many as there is room for; how many more there are.
    private func shown(_ blocks: [[TopLine]], room: Int?) -> [TopLine] {
        let all = blocks.flatMap(\.self)
        guard let room, all.count > room else { return all }
        var lines: [TopLine] = []
        for (index, block) in blocks.enumerated() {
            // One line for what is told of the others. The empty one behind a block may be the one that has no room.
            guard lines.count + block.count < room else {
                let more = TopLine("and \(blocks.count - index) more below", .faint)
                return lines + [more.cut(columns)]
            }
            lines += block
        }
        return lines
    }

    /// The foot is on the last line of the screen.
    private func fitted(_ lines: [TopLine], _ foot: [TopLine]) -> [TopLine] {
        guard let height else {
            let blank = lines.reversed().prefix { $0.width == 0 }.count
            return (lines.dropLast(blank) + foot).map { $0.cut(columns) }
        }
        let room = max(height - foot.count, 0)
        let padding = [TopLine](repeating: TopLine(), count: max(0, room - lines.count))
        return (lines.prefix(room) + padding + foot).suffix(height).map { $0.cut(columns) }
    }

    // MARK: A vnode

    private static func size(_ size: KiB?) -> String { size.map { Size.short($0) } ?? "?" }

    /// Figures that change all the time are shown without tenths.
    private static func rounded(_ size: KiB?) -> String {
        self.size(size.map { $0 < .mib(1) ? $0 : $0.roundedDown(to: .mib(1)) })
    }

    private static func goal(_ row: TopRow) -> String { row.goal.map { Size.short($0) } ?? "-" }

    private static func state(_ row: TopRow) -> TopLine {
        TopLine(
            row.reason.map { "\(row.state): \($0)" } ?? row.state,
            row.state == "held" || row.balloon == nil ? .held : .plain)
    }

    /// Its figures, as many lines as they take, and its bar below.
    private func block(_ row: TopRow) -> [TopLine] {
        var parts = [
            TopLine(row.name, .strong), Self.state(row),
            TopLine("balloon \(Self.size(row.balloon))/\(Self.size(row.size))"),
            TopLine("\(row.isForced ? "forced" : "target") \(Self.goal(row))"),
        ]
        if let available = row.available { parts.append(TopLine("available \(Self.rounded(available))")) }
        if let kept = row.kept { parts.append(TopLine("guard \(Self.size(kept))")) }
        let detail = row.detail.map { folded($0).map { TopLine($0) } } ?? []
        return packed(parts) + [TopBar(row, columns: columns).line] + detail
    }

    /// A header, and a line for each.
    private func table(_ rows: [TopRow]) -> [[TopLine]] {
        let header = ["", "BALLOON", "SIZE", "TARGET", "AVAILABLE", "GUARD", "STATE"]
        let cells = rows.map { row in
            [
                row.name, Self.size(row.balloon), Self.size(row.size), Self.goal(row) + (row.isForced ? "!" : ""),
                Self.rounded(row.available), Self.size(row.kept), Self.state(row).plain,
            ]
        }
        let widths = header.indices.map { column in ([header] + cells).map { $0[column].count }.max() ?? 0 }
        func line(_ texts: [String], _ colour: TopLine.Colour, state: TopLine.Colour) -> TopLine {
            var line = TopLine()
            for (index, text) in texts.enumerated() {
                let padding = String(repeating: " ", count: widths[index] - text.count)
                let isWord = index == 0 || index == texts.count - 1
                line.add(isWord ? text + padding : padding + text, index == texts.count - 1 ? state : colour)
                line.add("  ")
            }
            return line
        }
        var lines = [[line(header, .strong, state: .strong)]]
        for (row, texts) in zip(rows, cells) {
            var text = line(texts, .plain, state: row.state == "held" || row.balloon == nil ? .held : .plain)
            text.add(TopBar(row, columns: columns - text.width).line)
            lines.append([text] + (row.detail.map { folded($0).map { TopLine($0) } } ?? []))
        }
        return lines
    }

    // MARK: Text

    /// Parts side by side, as many as fit into each line.
    private func packed(_ parts: [TopLine]) -> [TopLine] {
        var lines: [TopLine] = []
        for part in parts where part.width > 0 {
            if let last = lines.last, last.width + 2 + part.width <= columns {
                lines[lines.count - 1].add("  ")
                lines[lines.count - 1].add(part)
            } else {
                lines.append(lines.isEmpty ? part : TopLine("  ").followed(by: part))
            }
        }
        return lines
    }

    /// A sentence in lines.
    private func folded(_ text: String) -> [String] {
        var lines: [String] = []
        for word in text.split(whereSeparator: \.isWhitespace) {
            if let last = lines.last, last.count + 1 + word.count <= columns {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(lines.isEmpty ? String(word) : "  " + word)
            }
        }
        return lines
    }
}

extension TopLine {
    func followed(by text: String) -> TopLine { followed(by: TopLine(text)) }

    func followed(by line: TopLine) -> TopLine {
        var both = self
        both.add(line)
        return both
    }
}
