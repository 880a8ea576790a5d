import BalloonCore

/// A row as both layouts draw it: text with its bar.
struct TopEntry {
    /// A column of the table.
    struct Cell {
        var header: String
        var text: String
    }

    var name: String
    /// The columns between the name and the state.
    var cells: [Cell]
    /// The same where there is no table.
    var parts: [String]
    /// nil: it has none, as a physical node.
    var state: TopLine?
    var bar: TopBar
    var detail: String?

    static func size(_ size: KiB?) -> String { size.map { Size.short($0) } ?? "?" }

    /// Values that change all the time have no decimals.
    static func rounded(_ size: KiB?) -> String {
        self.size(size.map { $0 < .mib(1) ? $0 : $0.roundedDown(to: .mib(1)) })
    }
}

extension TopRow {
    var bar: TopBar {
        // The guard's part is never more than the balloon leaves, whatever was read of the node.
        let had = available.map { min($0, size.less(balloon ?? .zero)) }
        let guarded = had.map { min(kept ?? .zero, $0) }
        return TopBar(
            of: size,
            parts: [("#", balloon), (".", had.map { $0 - (guarded ?? .zero) }), ("%", guarded)], goal: goal)
    }

    /// - Parameter keeper: the word for who keeps some of the available memory.
    func entry(_ keeper: String) -> TopEntry {
        let isAlarming = state == "held" || balloon == nil
        let goalText = goal.map { Size.short($0) } ?? "-"
        var parts = [
            "balloon \(TopEntry.size(balloon))/\(TopEntry.size(size))", "\(isForced ? "forced" : "target") \(goalText)",
        ]
        if let available { parts.append("available \(TopEntry.rounded(available))") }
        if let kept { parts.append("\(keeper) \(TopEntry.size(kept))") }
        var cells = [
            TopEntry.Cell(header: "BALLOON", text: TopEntry.size(balloon)),
            TopEntry.Cell(header: "SIZE", text: TopEntry.size(size)),
            TopEntry.Cell(header: "TARGET", text: goalText + (isForced ? "!" : "")),
            TopEntry.Cell(header: "AVAILABLE", text: TopEntry.rounded(available)),
            TopEntry.Cell(header: keeper.uppercased(), text: TopEntry.size(kept)),
        ]
        if let place {
            parts.insert(place, at: 0)
            cells.insert(
                TopEntry.Cell(header: "PNODE", text: place.split(separator: " ").last.map(String.init) ?? ""), at: 0)
        }
        return TopEntry(
            name: name, cells: cells, parts: parts,
            state: TopLine(reason.map { "\(state): \($0)" } ?? state, isAlarming ? .held : .plain), bar: bar,
            detail: detail)
    }
}

extension TopNode {
    var entry: TopEntry {
        TopEntry(
            name: "pnode \(number)",
            cells: [
                .init(header: "FREE", text: TopEntry.rounded(free)), .init(header: "SPAN", text: TopEntry.size(size)),
                .init(header: "TARGET", text: TopEntry.rounded(goal)), .init(header: "KEPT", text: TopEntry.size(kept)),
                .init(header: "FREEABLE", text: TopEntry.size(freeable)),
                .init(header: "BALLOONS", text: TopEntry.size(balloons)),
                .init(header: "VNODES", text: "\(vnodes)"),
            ],
            parts: [
                "free \(TopEntry.rounded(free))/\(TopEntry.size(size))", "target \(TopEntry.rounded(goal))",
                "kept \(TopEntry.size(kept))", "freeable \(TopEntry.size(freeable))",
                "balloons \(TopEntry.size(balloons)) of \(vnodes) vnodes",
            ],
            state: nil, bar: bar, detail: nil)
    }

    var bar: TopBar {
        let spoken = min(kept, free)
        return TopBar(of: size, parts: [(".", free - spoken), ("%", spoken), ("+", freeable)], goal: goal)
    }
}
