import BalloonCore

/// One vnode's part of the picture: its curve, and below it a lane with its states.
struct PlotPanel {
    static let balloonStroke = "fill=\"none\" stroke=\"#0072b2\" stroke-width=\"2\" stroke-linejoin=\"round\""
    static let goalStroke = "fill=\"none\" stroke=\"#d55e00\" stroke-width=\"1.5\" stroke-dasharray=\"5 4\""
    /// The states with their colours, in the order in which the title shows them.
    static let lanes = [
        ("idle", "#e8e8e8"), ("inflating", "#56b4e9"), ("deflating", "#7cc8a4"), ("held", "url(#hatch)"),
        ("stopped", "#9a9a9a"), ("not seen", "#ffffff"),
    ]

    private let plot: Plot
    private let vnode: Int
    private let top: Double
    private var bottom: Double { top + Plot.Metrics.panel }
    private let left = Plot.Metrics.left
    private let right = Plot.Metrics.left + Plot.Metrics.plotted
    /// The vnode's balloon at the time of each entry; nil: there was none.
    private let balloons: [RecordLine.Balloon?]

    init(_ plot: Plot, vnode: Int, top: Double) {
        self.plot = plot
        self.vnode = vnode
        self.top = top
        balloons = plot.record.entries.map { entry in entry.vnodes?.first { $0.vnode == vnode } }
    }

    func draw(_ svg: inout SVG) {
        svg.raw("<g>")
        axes(&svg)
        let balloon = samples { $0.balloon }
        svg.path(area(balloon), "fill=\"#0072b2\" fill-opacity=\"0.12\"")
        svg.path(steps(balloon), Self.balloonStroke)
        // The target is drawn on top, so that a balloon at its target does not hide it.
        svg.path(steps(samples { $0.goal }), Self.goalStroke)
        lane(&svg)
        let size = balloons.lazy.compactMap { $0?.size }.last.map { " of \(Self.size($0))" } ?? ""
        svg.write("vnode \(vnode)\(size)", x: left, y: top - 8, "font-weight=\"bold\" fill=\"#222222\"")
        svg.raw("</g>")
    }

    private static func size(_ size: KiB) -> String {
        size > .zero && size.roundedDown(to: .gib(1)) == size ? "\(size.count >> 20) GiB" : Size.mib(size)
    }

    // MARK: Axes

    private func axes(_ svg: inout SVG) {
        let laneEnd = bottom + 4 + Plot.Metrics.lane
        for size in plot.size.ticks {
            svg.line((left, y(size)), (right, y(size)), "stroke=\"#dddddd\"")
            svg.write(plot.size.label(size), x: left - 8, y: y(size) + 4, "text-anchor=\"end\" fill=\"#444444\"")
        }
        var day = plot.time.first.dateText
        for tick in plot.time.ticks() {
            svg.line((x(tick), top), (x(tick), laneEnd + 4), "stroke=\"#eeeeee\"")
            svg.write(tick.clockText, x: x(tick), y: laneEnd + 18, "text-anchor=\"middle\" fill=\"#444444\"")
            guard tick.dateText != day else { continue }
            day = tick.dateText
            svg.write(day, x: x(tick), y: laneEnd + 32, "text-anchor=\"middle\" font-size=\"10\" fill=\"#444444\"")
        }
        svg.line((left, bottom), (right, bottom), "stroke=\"#888888\"")
    }

    private func x(_ time: UTCTime) -> Double { left + Plot.Metrics.plotted * plot.time.part(time) }

    private func y(_ size: KiB) -> Double {
        bottom - Plot.Metrics.panel * Double(min(size, plot.size.last).count) / Double(plot.size.last.count)
    }

    // MARK: Curves

    private func samples(_ value: (RecordLine.Balloon) -> KiB?) -> [Thinning.Sample] {
        Thinning.samples(
            zip(plot.record.entries, balloons).map { entry, balloon in
                Thinning.Sample(x: x(entry.time), value: balloon.flatMap(value))
            })
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

    private func steps(_ samples: [Thinning.Sample]) -> String {
        pieces(samples).map { "M" + SVG.number($0.samples[0].x) + " " + stairs($0.samples, to: $0.end) }
            .joined(separator: " ")
    }

    private func area(_ samples: [Thinning.Sample]) -> String {
        pieces(samples).map { piece in
            let bottom = SVG.number(bottom)
            return "M\(SVG.number(piece.samples[0].x)) \(bottom) V"
                + stairs(piece.samples, to: piece.end) + " V\(bottom) Z"
        }.joined(separator: " ")
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

    private func lane(_ svg: inout SVG) {
        let entries = plot.record.entries
        var spans: [Thinning.Span] = []
        for (index, balloon) in balloons.enumerated() {
            let end = index + 1 < entries.count ? x(entries[index + 1].time) : right
            spans.append(
                .init(
                    from: x(entries[index].time), to: end,
                    state: LaneState(state: balloon?.state, reason: balloon?.reason)))
        }
        for span in Thinning.spans(spans) {
            svg.rectangle(
                x: span.from, y: bottom + 4, width: max(span.to - span.from, 0.5), height: Plot.Metrics.lane,
                "fill=\"\(Self.fill(span.state))\" shape-rendering=\"crispEdges\"", title: span.state.title)
        }
        svg.rectangle(
            x: left, y: bottom + 4, width: right - left, height: Plot.Metrics.lane,
            "fill=\"none\" stroke=\"#888888\" stroke-width=\"0.5\" pointer-events=\"none\"")
    }

    private static func fill(_ state: LaneState) -> String {
        lanes.first { $0.0 == (state.state ?? "not seen") }?.1 ?? "#ffffff"
    }
}
