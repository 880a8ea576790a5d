/// The text of `status` for people. It fits the terminal's width, and every size is in MiB unless the user asks for
/// bytes.
public struct StatusText {
    private let report: StatusReport
    /// The terminal's columns; nil: no limit.
    private let columns: Int?
    private let style: ListingStyle

    public init(_ report: StatusReport, columns: Int? = nil, style: ListingStyle = ListingStyle()) {
        self.report = report
        self.columns = columns
        self.style = style
    }

    public var text: String {
        if style.isForPrograms { return table }
        return ([heading] + warningsOfTheDomain + [vnodes] + warningsOfTheVNodes + warningsOfMemory)
            .map { TextLayout.wrapped($0, columns: columns) }.joined(separator: "\n")
    }

    private func size(_ size: KiB?, unknown: String = "-") -> String { size.map { Size.mib($0) } ?? unknown }

    private var heading: String {
        let domain = report.domain
        var parts = [
            "\(domain.type) guest, \(size(domain.currentReservation)) of \(size(domain.maximumReservation))",
            "interface \(report.interface)" + (report.fallback ? " (reported below data/)" : "")
                + ", backend \(report.backend), " + (report.daemon ? "daemon running" : "no daemon"),
        ]
        if let permille = report.pressurePermille {
            parts.append("tasks wait for memory \(permille / 10).\(permille % 10) % of the time")
        }
        return parts.joined(separator: "; ")
    }

    private var warningsOfTheDomain: [String] {
        var lines: [String] = []
        let domain = report.domain
        if let legacy = domain.legacyTarget, report.interface == "vnode" {
            lines.append("warning: memory/target is present (\(size(legacy))); Linux's own balloon follows it as well")
        }
        if report.backend == "kernel", domain.type != GuestKind.pv.rawValue {
            lines.append(
                "warning: Linux's own balloon moves memory, 4 KiB at a time; balloonctl doctor says what else there could be"
            )
        }
        if report.isCutOff {
            lines.append("warning: xenstore does not answer the daemon: no target is followed before it does")
        }
        return lines
    }

    /// The columns of the table of vnodes, and the names that `-o` accepts.
    public static let columns: [ListingColumn<StatusReport.VNodeReport>] = [
        .init("VNODE") { .number($0.vnode) },
        .init("NODE") { .number($0.linuxNode) },
        .init("SIZE") { .size($0.size) },
        .init("BALLOON") { .size($0.balloon, else: .unknown) },
        .init("TARGET") { .size($0.target) },
        .init("FORCED") { .size($0.forced) },
        .init("AVAILABLE") { ofNode($0, $0.nodeAvailable) },
        .init("FREE", isUsual: false) { ofNode($0, $0.nodeFree) },
        .init("KEPT", isUsual: false) { ofNode($0, $0.nodeKept) },
        .init("LOST", isUsual: false) { .size($0.lost) },
        .init("OTHER-PNODE", isUsual: false) { .size($0.otherPNode, else: .unknown) },
        .init("STATE", isWord: true) { .word($0.state) },
        .init("REASON", isWord: true) { $0.reason.map { .word($0) } ?? .none },
    ]

    /// A vnode without a node has no such value. Where there is a node, its memory may not be known.
    private static func ofNode(_ vnode: StatusReport.VNodeReport, _ size: KiB?) -> ListingCell {
        .size(size, else: vnode.linuxNode == nil ? .none : .unknown)
    }

    /// The table alone, for programs.
    public var table: String { listing?.text(report.vnodes) ?? "" }

    private var listing: Listing<StatusReport.VNodeReport>? { Listing(Self.columns, style) }

    /// The table of vnodes; where that is too wide, each vnode in lines of its own.
    private var vnodes: String {
        guard let columns, table.split(separator: "\n").contains(where: { $0.count > columns }),
            let cells = listing?.cells(report.vnodes), let header = cells.first
        else { return table }
        return cells.dropFirst().map { row in
            zip(header.dropFirst(), row.dropFirst()).reduce("vnode \(row[0])") { text, cell in
                text + "\n  \(cell.0.lowercased()) \(cell.1)"
            }
        }.joined(separator: "\n")
    }

    private var warningsOfTheVNodes: [String] {
        report.vnodes.flatMap { vnode in
            var lines: [String] = []
            if let detail = vnode.detail {
                lines.append("vnode \(vnode.vnode): \(detail)")
            } else if vnode.balloon == nil, let done = vnode.auditedExtents, let all = vnode.extents {
                lines.append("vnode \(vnode.vnode) is being audited: \(done) of \(all) extents")
            }
            if let available = vnode.nodeAvailable, let kept = vnode.nodeKept, available < kept {
                lines.append(
                    "vnode \(vnode.vnode): its node is short of memory: \(size(available)) are available of the"
                        + " \(size(kept)) that the guard keeps")
            }
            if vnode.lost > .zero {
                lines.append(
                    "vnode \(vnode.vnode): \(size(vnode.lost)) cannot be taken back until the guest is started again;"
                        + " see balloonctl audit")
            }
            if let other = vnode.otherPNode, other > .zero {
                lines.append(
                    "vnode \(vnode.vnode): up to \(size(other)) of its memory is of other physical nodes; it goes back first"
                )
            }
            return lines
        }
    }

    private var warningsOfMemory: [String] {
        var lines: [String] = []
        if let error = report.forceError { lines.append("warning: \(error)") }
        if let drifted = report.drifted, drifted > .zero {
            lines.append(
                "warning: drifted: Linux's own balloon took back \(size(drifted)), which may lie on other physical nodes"
            )
        }
        if let missing = report.unaccounted, missing > .zero {
            lines.append(
                "warning: \(size(missing)) are missing that no balloon accounts for; see balloonctl status --explain")
        }
        return lines
    }
}

/// Breaks text into lines.
public enum TextLayout {
    /// A line that is too long continues in the next one, indented by two columns. Words are never cut. Lines that fit
    /// stay as they are.
    public static func wrapped(_ text: String, columns: Int?) -> String {
        guard let columns, columns > 0 else { return text }
        return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.count <= columns ? String(line) : folded(line, columns)
        }.joined(separator: "\n")
    }

    private static func folded(_ line: Substring, _ columns: Int) -> String {
        var lines: [String] = []
        var current = ""
        for word in line.split(separator: " ") {
            if current.isEmpty {
                current = String(word)
            } else if current.count + 1 + word.count <= columns {
                current += " " + word
            } else {
                lines.append(current)
                current = "  " + word
            }
        }
        return (lines + [current]).joined(separator: "\n")
    }
}
