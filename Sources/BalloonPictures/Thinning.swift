import BalloonCore

/// Reduces a long record to what a picture can show.
enum Thinning {
    /// The value from this position on; nil: not known.
    struct Sample: Equatable {
        var x: Double
        var value: KiB?
    }

    /// Keeps the first, the smallest, the largest and the last of all samples in one column of pixels: the line then
    /// covers the same pixels.
    static func samples(_ samples: [Sample]) -> [Sample] {
        var thin: [Sample] = []
        var start = 0
        while start < samples.count {
            let column = samples[start].x.rounded(.down)
            var end = start + 1
            while end < samples.count, samples[end].x.rounded(.down) == column { end += 1 }
            thin += thinned(samples[start..<end])
            start = end
        }
        return thin
    }

    private static func thinned(_ column: ArraySlice<Sample>) -> [Sample] {
        guard column.count > 4 else { return Array(column) }
        let known = column.indices.filter { column[$0].value != nil }
        let least = known.min { column[$0].value! < column[$1].value! }
        let most = known.max { column[$0].value! < column[$1].value! }
        let kept = Set([column.startIndex, column.endIndex - 1, least, most].compactMap(\.self))
        return kept.sorted().map { column[$0] }
    }

    /// A state from one position to another.
    struct Span: Equatable {
        var from: Double
        var to: Double
        var state: LaneState
    }

    /// Joins neighbours with the same state. A picture has room for one span in each column of pixels: the most
    /// important one stays.
    static func spans(_ spans: [Span]) -> [Span] {
        var merged: [Span] = []
        for span in spans {
            if let last = merged.last, last.state == span.state {
                merged[merged.count - 1].to = span.to
            } else if let last = merged.last, last.to - last.from < 1,
                last.from.rounded(.down) == span.from.rounded(.down)
            {
                merged[merged.count - 1].to = span.to
                if last.state.weight < span.state.weight { merged[merged.count - 1].state = span.state }
            } else {
                merged.append(span)
            }
        }
        return merged
    }
}

/// The state shown in the lane below a panel.
struct LaneState: Equatable {
    /// The daemon's word; nil: there was no answer, or no process recorded.
    var state: String?
    var reason: String?

    /// Of two states in one pixel, the one with the larger weight is shown.
    var weight: Int {
        switch state {
        case nil: 4
        case "held": 3
        case "inflating", "deflating": 2
        case "idle": 0
        default: 1
        }
    }

    var title: String {
        guard let state else { return "not seen" }
        return reason.map { "\(state): \($0)" } ?? state
    }
}
