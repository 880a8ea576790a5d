public import BalloonCore

/// What `top` shows of one vnode; nil: not known, or there is none.
public struct TopRow: Equatable, Sendable {
    public var number: Int
    public var name: String
    public var size: KiB
    public var balloon: KiB?
    /// The size that it shall have.
    public var goal: KiB?
    public var isForced: Bool
    /// Of the node's memory: what can be had.
    public var available: KiB?
    /// What the guard keeps of that.
    public var kept: KiB?
    public var state: String
    public var reason: String?
    /// What stands in the way, in a sentence.
    public var detail: String?

    public init(
        number: Int, name: String, size: KiB, balloon: KiB?, goal: KiB?, isForced: Bool = false,
        available: KiB? = nil, kept: KiB? = nil, state: String, reason: String? = nil, detail: String? = nil
    ) {
        self.number = number
        self.name = name
        self.size = size
        self.balloon = balloon
        self.goal = goal
        self.isForced = isForced
        self.available = available
        self.kept = kept
        self.state = state
        self.reason = reason
        self.detail = detail
    }
}

/// By what the rows are sorted; those that are equal by that, by number.
public enum TopOrder: String, CaseIterable, Sendable {
    case number
    /// The largest first.
    case balloon
    /// The least first.
    case available

    public var next: TopOrder {
        switch self {
        case .number: .balloon
        case .balloon: .available
        case .available: .number
        }
    }

    /// Unknown sizes come first, because a reader has to look at them.
    public func sorted(_ rows: [TopRow]) -> [TopRow] {
        rows.sorted { left, right in
            let (a, b): (KiB, KiB) =
                switch self {
                case .number: (.zero, .zero)
                case .balloon: (.max - (left.balloon ?? .max), .max - (right.balloon ?? .max))
                case .available: (left.available ?? .zero, right.available ?? .zero)
                }
            return a == b ? left.number < right.number : a < b
        }
    }
}

/// A line of the screen: pieces of text, each in its colour.
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

    /// Cells of the screen. Whoever is shown here writes ASCII.
    public var width: Int { pieces.reduce(0) { $0 + $1.text.unicodeScalars.count } }

    public var plain: String { pieces.map(\.text).joined() }

    public var coloured: String {
        pieces.map { $0.colour == .plain ? $0.text : "\u{1b}[\($0.colour.rawValue)m\($0.text)\u{1b}[0m" }.joined()
    }

    /// No more than so many cells.
    public func cut(_ columns: Int) -> TopLine {
        var line = TopLine()
        for piece in pieces where line.width < columns {
            line.add(
                String(String.UnicodeScalarView(piece.text.unicodeScalars.prefix(columns - line.width))), piece.colour)
        }
        return line
    }

    /// Nothing that a terminal obeys.
    private static func harmless(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) ? "?" : $0 }))
    }

    public static func == (left: TopLine, right: TopLine) -> Bool { left.coloured == right.coloured }
}
