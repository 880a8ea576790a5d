/// Writes SVG.
struct SVG {
    private(set) var text = ""

    /// Escapes text, so that it is no markup and has no control characters, which XML forbids.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case _ where scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || scalar.value & 0xfffe == 0xfffe:
                escaped += "?"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// A number with one decimal, where it needs one.
    static func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        let sign = tenths < 0 ? "-" : ""
        return "\(sign)\(abs(tenths) / 10)" + (tenths % 10 == 0 ? "" : ".\(abs(tenths) % 10)")
    }

    /// Adds markup as it is.
    mutating func raw(_ markup: String) { text += markup + "\n" }

    mutating func write(_ words: String, x: Double, y: Double, _ attributes: String = "") {
        raw(
            "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\"\(Self.spaced(attributes))>\(Self.escaped(words))</text>"
        )
    }

    mutating func line(_ from: (x: Double, y: Double), _ to: (x: Double, y: Double), _ attributes: String) {
        raw(
            "<line x1=\"\(Self.number(from.x))\" y1=\"\(Self.number(from.y))\" x2=\"\(Self.number(to.x))\""
                + " y2=\"\(Self.number(to.y))\"\(Self.spaced(attributes))/>")
    }

    /// - Parameter title: the text that a viewer shows as a tooltip.
    mutating func rectangle(
        x: Double, y: Double, width: Double, height: Double, _ attributes: String, title: String? = nil
    ) {
        let start =
            "<rect x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" width=\"\(Self.number(width))\""
            + " height=\"\(Self.number(height))\"\(Self.spaced(attributes))"
        raw(title.map { "\(start)><title>\(Self.escaped($0))</title></rect>" } ?? "\(start)/>")
    }

    mutating func path(_ data: String, _ attributes: String) {
        if !data.isEmpty { raw("<path d=\"\(data)\"\(Self.spaced(attributes))/>") }
    }

    private static func spaced(_ attributes: String) -> String { attributes.isEmpty ? "" : " " + attributes }
}
