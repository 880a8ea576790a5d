import BalloonCore

/// A record as a picture: one panel for each vnode, all with the same axes.
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
        /// The distance from one panel's curve to the next one's.
        static let pitch = panel + lane + 72
        static var plotted: Double { width - left - right }
    }

    let record: Record
    let time: TimeAxis
    let size: SizeAxis
    private let vnodes: [Int]

    /// nil: the record is empty.
    public init?(_ record: Record) {
        guard let first = record.entries.first, let last = record.entries.last else { return nil }
        self.record = record
        vnodes = record.vnodes
        time = TimeAxis(first: first.time, last: last.time)
        var most: KiB = .zero
        for balloon in record.entries.lazy.flatMap({ $0.vnodes ?? [] }) {
            most = max(most, balloon.balloon ?? .zero, balloon.goal ?? .zero)
        }
        // Where no memory was ever given, the axis gets a range that is easy to read.
        size = SizeAxis(most: most == .zero ? .mib(64) : most)
    }

    public var svg: String {
        let height = Metrics.head + Metrics.pitch * Double(max(1, vnodes.count))
        var svg = SVG()
        svg.raw(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"900\" height=\"\(SVG.number(height))\""
                + " viewBox=\"0 0 900 \(SVG.number(height))\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\">"
        )
        svg.raw("<title>\(SVG.escaped("Balloons, \(range)"))</title>")
        svg.raw(Self.hatching)
        svg.rectangle(x: 0, y: 0, width: Metrics.width, height: height, "fill=\"#ffffff\"")
        head(&svg)
        for (index, vnode) in vnodes.enumerated() {
            PlotPanel(self, vnode: vnode, top: Metrics.head + 20 + Metrics.pitch * Double(index)).draw(&svg)
        }
        if vnodes.isEmpty {
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
        svg.write(
            "Memory given to Xen, \(range)", x: 20, y: 26, "font-size=\"15\" font-weight=\"bold\" fill=\"#222222\"")
        svg.line((20, 52), (44, 52), PlotPanel.balloonStroke)
        svg.write("balloon", x: 50, y: 56, "fill=\"#222222\"")
        svg.line((112, 52), (136, 52), PlotPanel.goalStroke)
        svg.write("target, or forced size", x: 142, y: 56, "fill=\"#222222\"")
        var x = 292.0
        for (name, fill) in PlotPanel.lanes {
            svg.rectangle(
                x: x, y: 46, width: 16, height: Metrics.lane, "fill=\"\(fill)\" stroke=\"#888888\" stroke-width=\"0.5\""
            )
            svg.write(name, x: x + 21, y: 56, "fill=\"#222222\"")
            x += 36 + 6.6 * Double(name.count)
        }
    }
}
