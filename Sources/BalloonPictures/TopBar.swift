import BalloonCore

/// Memory as a bar: its parts from the left, and a mark where something shall end.
struct TopBar {
    /// A vnode's parts, from the left.
    static let ofVNode: [Mark] = [
        Mark("#", .balloon, "balloon"), Mark(".", .available, "available"), Mark("%", .guarded, "kept by the guard"),
        Mark("=", .faint, "in use"), Mark("|", .strong, "target"),
    ]
    /// Those of a physical node, and of the vnodes that dom0 sees.
    static let ofHost: [Mark] = [
        Mark(".", .available, "free, or available"), Mark("%", .guarded, "kept"),
        Mark("+", .balloon, "can be freed"), Mark("=", .faint, "in use"), Mark("#", .balloon, "balloon"),
        Mark("|", .strong, "target"),
    ]

    struct Mark: Equatable {
        let mark: Character
        let colour: TopLine.Colour
        let meaning: String

        init(_ mark: Character, _ colour: TopLine.Colour, _ meaning: String) {
            self.mark = mark
            self.colour = colour
            self.meaning = meaning
        }
    }

    private let whole: KiB
    /// The last one's end may be beyond the whole.
    private let parts: [(mark: Character, end: KiB)]
    private let goal: KiB?
    /// What is drawn behind the last part.
    private let rest: Character

    /// - Parameter parts: each with its size; a part of nil, and all behind it, is not known.
    init(of whole: KiB, parts: [(mark: Character, size: KiB?)], goal: KiB?) {
        self.whole = whole
        self.goal = goal
        var (end, known) = (KiB.zero, [(mark: Character, end: KiB)]())
        var rest: Character = "="
        for part in parts {
            guard let size = part.size else {
                rest = "?"
                break
            }
            end += min(size, whole.less(end))
            known.append((part.mark, end))
        }
        self.parts = known
        self.rest = rest
    }

    /// - Parameter columns: the width including the brackets.
    func line(columns: Int) -> TopLine {
        let cells = max(columns - 2, 1)
        let ends = parts.map { (mark: $0.mark, end: cell($0.end, of: cells)) }
        let goal = goal.map { max(cell($0, of: cells), 1) - 1 }
        var line = TopLine("[")
        for index in 0..<cells {
            let mark = index == goal ? "|" : ends.first { index < $0.end }?.mark ?? rest
            line.add(String(mark), Self.ofHost.first { $0.mark == mark }?.colour ?? .plain)
        }
        line.add("]")
        return line
    }

    /// The position where a size ends. Even the smallest size is visible.
    private func cell(_ size: KiB, of cells: Int) -> Int {
        guard size > .zero, whole > .zero else { return 0 }
        return max(1, Int((Double(min(size, whole).count) / Double(whole.count) * Double(cells)).rounded()))
    }
}
