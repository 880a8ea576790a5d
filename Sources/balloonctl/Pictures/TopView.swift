import BalloonCore
import BalloonPictures
import BalloonSystem
import FoundationEssentials

/// Shows pictures live, on the whole screen or one below the other.
struct TopView {
    let isBatch: Bool
    /// nil: until the user ends it.
    let count: UInt64?
    /// Seconds.
    let every: UInt64
    var order: TopOrder

    /// - Parameter look: returns the next picture.
    mutating func run(_ first: TopFrame, look: () -> TopFrame) throws {
        let events = try ScreenEvents(output: 1, onScreen: !isBatch)
        if !isBatch { try Screen.enter() }
        defer { Screen.leave() }
        var frame = first
        var shown: UInt64 = 0
        var due = Moment.now
        while true {
            show(frame, isFirst: shown == 0)
            shown += 1
            // The reader is gone.
            if Terminal.outputError != nil || shown == count { return }
            due = max(due + .seconds(every), Moment.now)
            if try wait(events, until: due, frame) { return }
            frame = look()
        }
    }

    /// Handles keys and signals until the next picture is due.
    /// - Returns: whether to end.
    private mutating func wait(_ events: ScreenEvents, until due: Moment, _ frame: TopFrame) throws -> Bool {
        while true {
            switch try events.next(until: due) {
            case .timeout: return false
            case .end, .key("q"), .key("Q"): return true
            case .unread: throw Exit.pipe
            case .stop: try Screen.stop()
            case .key("s"): order = order.next
            case .key("n"): order = .number
            case .resize: break
            case .key: continue
            }
            show(frame, isFirst: false)
        }
    }

    private func show(_ frame: TopFrame, isFirst: Bool) {
        if isBatch {
            let lines = TopLayout(columns: Live.columns, height: nil, order: order, hasKeys: false).lines(frame)
            return Terminal.showText((isFirst ? "" : "\n") + lines.map { $0.plain + "\n" }.joined())
        }
        let (columns, rows) = Live.size
        let lines = TopLayout(columns: columns, height: rows, order: order, hasKeys: Screen.hasKeys).lines(frame)
        let isPlain = Screen.isColourless
        Terminal.showScreen(lines.map { (isPlain ? $0.plain : $0.coloured, isFull: $0.width >= columns) })
    }
}

extension Live {
    /// The width of a picture that is not shown on a screen.
    static var columns: Int {
        Terminal.columns ?? ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) } ?? 80
    }
}
