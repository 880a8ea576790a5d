import BalloonCore

/// The place of one panel: its axes, and lanes of states below the curves.
struct PlotCanvas {
    let time: TimeAxis
    let size: SizeAxis
    let top: Double
    let lanes: Int

    let left = Plot.Metrics.left
    let right = Plot.Metrics.left + Plot.Metrics.plotted
    var bottom: Double { top + Plot.Metrics.panel }

    func x(_ time: UTCTime) -> Double { left + Plot.Metrics.plotted * self.time.part(time) }

    func y(_ size: KiB) -> Double {
        bottom - Plot.Metrics.panel * Double(min(size, self.size.last).count) / Double(self.size.last.count)
    }

    /// The upper edge of a lane.
    func lane(_ index: Int) -> Double { bottom + 4 + Plot.Metrics.lanePitch * Double(index) }

    /// The panel's height with a number of lanes, and the distance to the next panel.
    static func pitch(lanes: Int) -> Double {
        Plot.Metrics.panel + Plot.Metrics.lanePitch * Double(max(lanes, 1)) + 72
    }

    func axes(_ svg: inout SVG) {
        let laneEnd = lane(max(lanes, 1) - 1) + Plot.Metrics.lane
        for size in size.ticks {
            svg.line((left, y(size)), (right, y(size)), "stroke=\"#dddddd\"")
            svg.write(self.size.label(size), x: left - 8, y: y(size) + 4, "text-anchor=\"end\" fill=\"#444444\"")
        }
        var day = time.first.dateText
        for tick in time.ticks() {
            svg.line((x(tick), top), (x(tick), laneEnd + 4), "stroke=\"#eeeeee\"")
            svg.write(tick.clockText, x: x(tick), y: laneEnd + 18, "text-anchor=\"middle\" fill=\"#444444\"")
            guard tick.dateText != day else { continue }
            day = tick.dateText
            svg.write(day, x: x(tick), y: laneEnd + 32, "text-anchor=\"middle\" font-size=\"10\" fill=\"#444444\"")
        }
        svg.line((left, bottom), (right, bottom), "stroke=\"#888888\"")
    }

    // MARK: Curves

    /// A curve as a path; nil in the samples is a gap.
    func curve(_ samples: [Thinning.Sample]) -> String {
        pieces(samples).map { "M" + SVG.number($0.samples[0].x) + " " + stairs($0.samples, to: $0.end) }
            .joined(separator: " ")
    }

    /// The area below it.
    func area(_ samples: [Thinning.Sample]) -> String {
        pieces(samples).map { piece in
            let bottom = SVG.number(bottom)
            return "M\(SVG.number(piece.samples[0].x)) \(bottom) V"
                + stairs(piece.samples, to: piece.end) + " V\(bottom) Z"
        }.joined(separator: " ")
    }

    /// The pieces of the curve in which the value is known, each with the position of its end.
    private func pieces(_ samples: [Thinning.Sample]) -> [(samples: [Thinning.Sample], end: Double)] {
        var pieces: [(samples: [Thinning.Sample], end: Double)] = []
        var isOpen = false
        for sample in samples {
            if isOpen { pieces[pieces.count - 1].end = sample.x }
            if sample.value == nil {
                isOpen = false
            } else if isOpen {
                pieces[pieces.count - 1].samples.append(sample)
            } else {
                pieces.append(([sample], right))
                isOpen = true
            }
        }
        // The last value lasts to the end.
        if isOpen { pieces[pieces.count - 1].end = right }
        return pieces
    }

    /// A path from the first height on: along, then up or down. Where the height does not change nothing is written.
    private func stairs(_ samples: [Thinning.Sample], to end: Double) -> String {
        var text = ""
        var height: String?
        for sample in samples {
            let next = SVG.number(y(sample.value ?? .zero))
            if next == height { continue }
            text += height == nil ? next : " H\(SVG.number(sample.x)) V\(next)"
            height = next
        }
        return text + " H\(SVG.number(end))"
    }

    // MARK: States

    /// The states with their colours, in the order in which the title shows them.
    static let states = [
        ("idle", "#e8e8e8"), ("inflating", "#56b4e9"), ("deflating", "#7cc8a4"), ("held", "url(#hatch)"),
        ("stopped", "#9a9a9a"), ("not seen", "#ffffff"),
    ]

    /// A lane with a state for each entry.
    func drawLane(_ index: Int, _ entries: [(time: UTCTime, state: LaneState)], _ svg: inout SVG) {
        let y = lane(index)
        let spans = entries.indices.map { index in
            let end = index + 1 < entries.count ? x(entries[index + 1].time) : right
            return Thinning.Span(from: x(entries[index].time), to: end, state: entries[index].state)
        }
        for span in Thinning.spans(spans) {
            svg.rectangle(
                x: span.from, y: y, width: max(span.to - span.from, 0.5), height: Plot.Metrics.lane,
                "fill=\"\(Self.fill(span.state))\" shape-rendering=\"crispEdges\"", title: span.state.title)
        }
        svg.rectangle(
            x: left, y: y, width: right - left, height: Plot.Metrics.lane,
            "fill=\"none\" stroke=\"#888888\" stroke-width=\"0.5\" pointer-events=\"none\"")
    }

    private static func fill(_ state: LaneState) -> String {
        states.first { $0.0 == (state.state ?? "not seen") }?.1 ?? "#ffffff"
    }
}
