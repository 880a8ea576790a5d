/// `status` as people read it. It is as wide as there is room for, and every size is in MiB.
public struct StatusText {
    private let report: StatusReport
    /// Columns of the terminal; nil: as many as it takes.
    private let columns: Int?

    public init(_ report: StatusReport, columns: Int? = nil) {
        self.report = report
        self.columns = columns
    }

    public var text: String {
        ([heading] + warningsOfTheDomain + [vnodes] + warningsOfTheVNodes + warningsOfMemory)
            .map { TextLayout.wrapped($0, columns: columns) }.joined(separator: "\n")
    }

    private func size(_ kib: UInt64?, unknown: String = "-") -> String { kib.map { Size.mib(kib: $0) } ?? unknown }

    private var heading: String {
        let domain = report.domain
        var parts = [
            "\(domain.type) guest, \(size(domain.currentReservationKib)) of \(size(domain.maximumReservationKib))",
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
        if let legacy = report.domain.legacyTargetKib, report.interface == "vnode" {
            lines.append("warning: memory/target is present (\(size(legacy))); Linux's own balloon follows it as well")
        }
        if report.isCutOff {
            lines.append("warning: xenstore does not answer the daemon: no target is followed before it does")
        }
        return lines
    }

    /// A table; where it is too wide, each vnode by itself.
    private var vnodes: String {
        let header = ["VNODE", "NODE", "SIZE", "BALLOON", "TARGET", "FORCED", "AVAILABLE", "STATE"]
        let rows = report.vnodes.map { vnode in
            [
                "\(vnode.vnode)", vnode.linuxNode.map { "\($0)" } ?? "-", size(vnode.sizeKib),
                size(vnode.balloonKib, unknown: "?"), size(vnode.targetKib), size(vnode.forcedKib),
                size(vnode.nodeAvailableKib), vnode.state + (vnode.reason.map { " (\($0))" } ?? ""),
            ]
        }
        let table = TextLayout.table([header] + rows)
        guard let columns, table.split(separator: "\n").contains(where: { $0.count > columns }) else { return table }
        return rows.map { row in
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
            } else if vnode.balloonKib == nil, let done = vnode.auditedExtents, let all = vnode.extents {
                lines.append("vnode \(vnode.vnode) is being audited: \(done) of \(all) extents")
            }
            if let available = vnode.nodeAvailableKib, let kept = vnode.nodeKeptKib, available < kept {
                lines.append(
                    "vnode \(vnode.vnode): its node is short of memory: \(size(available)) are available of the"
                        + " \(size(kept)) that the guard keeps")
            }
            if vnode.lostKib > 0 {
                lines.append(
                    "vnode \(vnode.vnode): \(size(vnode.lostKib)) cannot be taken back until the guest is started again;"
                        + " see balloonctl audit")
            }
            return lines
        }
    }

    private var warningsOfMemory: [String] {
        var lines: [String] = []
        if let error = report.forceError { lines.append("warning: \(error)") }
        if let kib = report.driftedKib, kib > 0 {
            lines.append(
                "warning: drifted: Linux's own balloon took back \(size(kib)), which may lie on other physical nodes")
        }
        if let kib = report.unaccountedKib, kib > 0 {
            lines.append(
                "warning: \(size(kib)) are missing that no balloon accounts for; see balloonctl status --explain")
        }
        return lines
    }
}

/// Text in columns and lines.
public enum TextLayout {
    /// Lines with their columns aligned: the first to the left, the others to the right, words in the last one as they are.
    public static func table(_ rows: [[String]]) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            row.enumerated().map { column, cell in
                if column == row.count - 1 && column > 0 && cell.first?.isNumber != true { return cell }
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + padding : padding + cell
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    /// Lines that are too long go on in the next one, two columns in. A word is never cut. Lines that fit stay as they are.
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
