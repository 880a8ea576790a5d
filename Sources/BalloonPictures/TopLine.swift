/// A line of the screen: pieces of text, each with a colour.
public struct TopLine: Equatable, Sendable {
    public enum Colour: String, Sendable {
        case plain = ""
        case strong = "1"
        case faint = "2"
        case balloon = "36"
        case available = "32"
        case guarded = "33"
        case held = "31"
    }

    private var pieces: [(text: String, colour: Colour)] = []

    public init(_ text: String = "", _ colour: Colour = .plain) { add(text, colour) }

    public mutating func add(_ text: String, _ colour: Colour = .plain) {
        guard !text.isEmpty else { return }
        let text = Self.harmless(text)
        if let last = pieces.last, last.colour == colour {
            pieces[pieces.count - 1].text = last.text + text
        } else {
            pieces.append((text, colour))
        }
    }

    public mutating func add(_ line: TopLine) { for piece in line.pieces { add(piece.text, piece.colour) } }

    /// The width in cells of the screen. All texts shown here are ASCII.
    public var width: Int { pieces.reduce(0) { $0 + $1.text.unicodeScalars.count } }

    /// The colour of its beginning.
    var colour: Colour { pieces.first?.colour ?? .plain }

    public var plain: String { pieces.map(\.text).joined() }

    public var coloured: String {
        pieces.map { $0.colour == .plain ? $0.text : "\u{1b}[\($0.colour.rawValue)m\($0.text)\u{1b}[0m" }.joined()
    }

    /// The line cut to this many cells.
    public func cut(_ columns: Int) -> TopLine {
        var line = TopLine()
        for piece in pieces where line.width < columns {
            line.add(
                String(String.UnicodeScalarView(piece.text.unicodeScalars.prefix(columns - line.width))), piece.colour)
        }
        return line
    }

    /// The text without control characters, which a terminal would obey.
    private static func harmless(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) ? "?" : $0 }))
    }

    public static func == (left: TopLine, right: TopLine) -> Bool { left.coloured == right.coloured }
}
