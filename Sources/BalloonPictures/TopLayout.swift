import BalloonCore

/// Lays a live picture out in lines that fit.
public struct TopLayout: Sendable {
    /// With at least this many columns each vnode takes one line.
    static let wide = 110

    private let columns: Int
    /// nil: no limit.
    private let height: Int?
    private let order: TopOrder
    private let hasKeys: Bool

    public init(columns: Int, height: Int?, order: TopOrder, hasKeys: Bool) {
        self.columns = max(columns, 12)
        self.height = height
        self.order = order
        self.hasKeys = hasKeys
    }

    public func lines(_ frame: TopFrame) -> [TopLine] {
        var top = packed([
            TopLine(frame.time, .strong), TopLine(frame.heading), TopLine("by \(order.rawValue)", .faint),
        ])
        let foot = hasKeys ? packed(["q quit", "s sort", "n by number"].map { TopLine($0, .faint) }) : []
        guard frame.fault == nil else {
            return fitted(top + [TopLine()] + folded(frame.fault ?? "").map { TopLine($0, .held) }, foot)
        }
        let blocks = blocks(frame)
        // If the screen has few lines, the vnodes come first.
        let legend = packed(frame.legend.map { TopLine("\($0.mark)", $0.colour).followed(by: " \($0.meaning)") })
        let all = blocks.reduce(0) { $0 + $1.lines.count }
        if height.map({ top.count + legend.count + 1 + all + foot.count <= $0 || $0 >= 20 }) ?? true { top += legend }
        top.append(TopLine())
        return fitted(top + shown(blocks, room: height.map { $0 - top.count - foot.count }), foot)
    }

    /// Lines that are shown together, or not at all.
    private struct Block {
        var lines: [TopLine]
        /// Whether it is a row, and so is counted where it has no room.
        var isRow = true
    }

    private func blocks(_ frame: TopFrame) -> [Block] {
        let nodes = order.sorted(frame.nodes).map(\.entry)
        let rows = order.sorted(frame.rows).map { $0.entry(frame.keeper) }
        let notes = frame.notes.map { Block(lines: folded($0).map { TopLine($0) }, isRow: false) }
        guard columns >= Self.wide else {
            return (nodes + rows).map { Block(lines: block($0) + [TopLine()]) } + notes
        }
        let blank = [Block(lines: [TopLine()], isRow: false)]
        return [table(nodes), table(rows), notes].filter { !$0.isEmpty }.joined(separator: blank).map(\.self)
    }

    /// As many whole blocks as fit, and how many more rows there are.
    private func shown(_ blocks: [Block], room: Int?) -> [TopLine] {
        let all = blocks.flatMap(\.lines)
        guard let room, all.count > room else { return all }
        var lines: [TopLine] = []
        for (index, block) in blocks.enumerated() {
            // One line is kept for the number of the others. An empty line after a block may be cut off.
            guard lines.count + block.lines.count < room else {
                let rest = blocks[index...].filter(\.isRow).count
                // Only notes are left.
                if rest == 0 { return lines }
                return lines + [TopLine("and \(rest) more below", .faint).cut(columns)]
            }
            lines += block.lines
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

    // MARK: A row

    /// The row's figures, in as many lines as they need, and its bar below.
    private func block(_ entry: TopEntry) -> [TopLine] {
        let head = [TopLine(entry.name, .strong), entry.state ?? TopLine()]
        let detail = entry.detail.map { folded($0).map { TopLine($0) } } ?? []
        return packed(head + entry.parts.map { TopLine($0) }) + [entry.bar.line(columns: columns)] + detail
    }

    /// A header, and one line for each row.
    private func table(_ entries: [TopEntry]) -> [Block] {
        guard let first = entries.first else { return [] }
        let hasState = first.state != nil
        let header = [""] + first.cells.map(\.header) + (hasState ? ["STATE"] : [])
        let texts = entries.map { entry in
            [entry.name] + entry.cells.map(\.text) + (hasState ? [entry.state?.plain ?? ""] : [])
        }
        let widths = header.indices.map { column in ([header] + texts).map { $0[column].count }.max() ?? 0 }
        func line(_ texts: [String], _ colour: TopLine.Colour, state: TopLine.Colour) -> TopLine {
            var line = TopLine()
            for (index, text) in texts.enumerated() {
                let padding = String(repeating: " ", count: widths[index] - text.count)
                let isState = hasState && index == texts.count - 1
                line.add(index == 0 || isState ? text + padding : padding + text, isState ? state : colour)
                line.add("  ")
            }
            return line
        }
        var blocks = [Block(lines: [line(header, .strong, state: .strong)], isRow: false)]
        for (entry, texts) in zip(entries, texts) {
            var text = line(texts, .plain, state: entry.state?.colour ?? .plain)
            text.add(entry.bar.line(columns: columns - text.width))
            blocks.append(Block(lines: [text] + (entry.detail.map { folded($0).map { TopLine($0) } } ?? [])))
        }
        return blocks
    }

    // MARK: Text

    /// Parts side by side, with as many as fit into each line.
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
