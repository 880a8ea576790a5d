import BalloonCore

/// A record as a picture: one panel for each vnode, or each physical node, all with the same axes.
public struct Plot {
    /// Sizes in pixels.
    enum Metrics {
        static let width = 900.0
        static let left = 84.0
        static let right = 24.0
        /// The space above the first panel.
        static let head = 76.0
        static let panel = 130.0
        static let lane = 12.0
        /// The distance from one lane to the next one.
        static let lanePitch = lane + 3
        static var plotted: Double { width - left - right }
    }

    let record: Record
    let time: TimeAxis
    let size: SizeAxis
    private let panels: [PlotPanel]

    /// nil: the record is empty.
    public init?(_ record: Record) {
        guard let first = record.entries.first, let last = record.entries.last else { return nil }
        self.record = record
        panels = record.kind == .host ? record.nodePanels : record.vnodePanels
        time = TimeAxis(first: first.time, last: last.time)
        let most = panels.lazy.map(\.most).max() ?? .zero
        // Where no memory was ever given, the axis gets a range that is easy to read.
        size = SizeAxis(most: most == .zero ? .mib(64) : most)
    }

    public var svg: String {
        let pitches = panels.map { PlotCanvas.pitch(lanes: $0.lanes.count) }
        let height = Metrics.head + (panels.isEmpty ? PlotCanvas.pitch(lanes: 1) : pitches.reduce(0, +))
        var svg = SVG()
        svg.raw(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"900\" height=\"\(SVG.number(height))\""
                + " viewBox=\"0 0 900 \(SVG.number(height))\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\">"
        )
        svg.raw("<title>\(SVG.escaped("Balloons, \(range)"))</title>")
        svg.raw(Self.hatching)
        svg.rectangle(x: 0, y: 0, width: Metrics.width, height: height, "fill=\"#ffffff\"")
        head(&svg)
        let times = record.entries.map(\.time)
        var top = Metrics.head + 20
        for (panel, pitch) in zip(panels, pitches) {
            panel.draw(PlotCanvas(time: time, size: size, top: top, lanes: panel.lanes.count), times, &svg)
            top += pitch
        }
        if panels.isEmpty {
            svg.write("Nobody answered in all this time.", x: Metrics.left, y: Metrics.head + 40, "fill=\"#444444\"")
        }
        svg.raw("</svg>")
        return svg.text
    }

    private var range: String {
        let (first, last) = (record.entries[0].time, record.entries[record.entries.count - 1].time)
        let end = first.dateText == last.dateText ? last.clockText : "\(last.dateText) \(last.clockText)"
        return "\(first.dateText) \(first.clockText) to \(end) UTC"
    }

    private static let hatching = """
        <defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">\
        <rect width="6" height="6" fill="#fbe3d6"/><rect width="2.5" height="6" fill="#d55e00"/></pattern></defs>
        """

    /// The title, and the meaning of the colours.
    private func head(_ svg: inout SVG) {
        let isOfHost = record.kind == .host
        let title = isOfHost ? "Memory of physical nodes" : "Memory given to Xen"
        svg.write(
            "\(title), \(range)", x: 20, y: 26, "font-size=\"15\" font-weight=\"bold\" fill=\"#222222\"")
        var x = 20.0
        func word(_ text: String, _ stroke: String) {
            svg.line((x, 52), (x + 24, 52), stroke)
            svg.write(text, x: x + 30, y: 56, "fill=\"#222222\"")
            x += 48 + 6.2 * Double(text.count)
        }
        if isOfHost { word("free", PlotPanel.freeStroke) }
        word(isOfHost ? "balloons" : "balloon", PlotPanel.balloonStroke)
        word(isOfHost ? "targets" : "target, or forced size", PlotPanel.goalStroke)
        for (name, fill) in PlotCanvas.states {
            svg.rectangle(
                x: x, y: 46, width: 16, height: Metrics.lane, "fill=\"\(fill)\" stroke=\"#888888\" stroke-width=\"0.5\""
            )
            svg.write(name, x: x + 21, y: 56, "fill=\"#222222\"")
            x += 36 + 6.6 * Double(name.count)
        }
    }
}
