import BalloonCore

/// One part of the picture: a vnode's, or a physical node's.
struct PlotPanel {
    static let balloonStroke = "fill=\"none\" stroke=\"#0072b2\" stroke-width=\"2\" stroke-linejoin=\"round\""
    static let goalStroke = "fill=\"none\" stroke=\"#d55e00\" stroke-width=\"1.5\" stroke-dasharray=\"5 4\""
    static let freeStroke = "fill=\"none\" stroke=\"#009e73\" stroke-width=\"2\" stroke-linejoin=\"round\""

    /// A value over time, by entry of the record; nil: not known.
    typealias Curve = [KiB?]

    /// States of one vnode.
    struct Lane {
        /// "" where the panel has only one.
        var name: String
        /// By entry; nil: there was no such vnode.
        var balloons: [RecordLine.Balloon?]
    }

    var title: String
    /// Free memory; a vnode has none.
    var free: Curve?
    var balloon: Curve
    var goal: Curve
    var lanes: [Lane]

    var most: KiB { ((free ?? []) + balloon + goal).lazy.compactMap(\.self).max() ?? .zero }

    func draw(_ canvas: PlotCanvas, _ times: [UTCTime], _ svg: inout SVG) {
        func samples(_ curve: Curve) -> [Thinning.Sample] {
            Thinning.samples(zip(times, curve).map { Thinning.Sample(x: canvas.x($0), value: $1) })
        }
        svg.raw("<g>")
        canvas.axes(&svg)
        if let free { svg.path(canvas.curve(samples(free)), Self.freeStroke) }
        svg.path(canvas.area(samples(balloon)), "fill=\"#0072b2\" fill-opacity=\"0.12\"")
        svg.path(canvas.curve(samples(balloon)), Self.balloonStroke)
        // The target is drawn on top, so that a balloon at its target does not hide it.
        svg.path(canvas.curve(samples(goal)), Self.goalStroke)
        for (index, lane) in lanes.enumerated() {
            let states = zip(times, lane.balloons).map {
                (time: $0, state: LaneState(state: $1?.state, reason: $1?.reason))
            }
            canvas.drawLane(index, states, &svg)
            if !lane.name.isEmpty { write(lane.name, at: canvas.lane(index), canvas, &svg) }
        }
        svg.write(title, x: canvas.left, y: canvas.top - 8, "font-weight=\"bold\" fill=\"#222222\"")
        svg.raw("</g>")
    }

    /// A lane's name, as much of it as has room beside the lane.
    private func write(_ name: String, at y: Double, _ canvas: PlotCanvas, _ svg: inout SVG) {
        let room = 14
        let text = name.count > room ? "..." + name.suffix(room - 3) : name
        svg.write(
            text, x: canvas.left - 8, y: y + Plot.Metrics.lane - 2,
            "text-anchor=\"end\" font-size=\"10\" fill=\"#444444\"")
    }

    static func size(_ size: KiB) -> String {
        size > .zero && size.roundedDown(to: .gib(1)) == size ? "\(size.count >> 20) GiB" : Size.mib(size)
    }
}

extension Record {
    /// A panel for each vnode of a guest.
    var vnodePanels: [PlotPanel] {
        vnodes.map { vnode in
            let balloons = entries.map { entry in entry.sight?.vnodes.first { $0.vnode == vnode } }
            let size = balloons.lazy.compactMap { $0?.size }.last.map { " of \(PlotPanel.size($0))" } ?? ""
            return PlotPanel(
                title: "vnode \(vnode)\(size)", free: nil, balloon: balloons.map { $0?.balloon },
                goal: balloons.map { $0?.goal }, lanes: [.init(name: "", balloons: balloons)])
        }
    }

    /// A panel for each physical node of a host, and one for vnodes that are on none that is known.
    var nodePanels: [PlotPanel] {
        let seats = seats
        let numbers = Set(entries.flatMap { $0.sight?.nodes.map(\.pnode) ?? [] }).sorted()
        let elsewhere = Set(seats.keys.compactMap(\.pnode)).subtracting(numbers).sorted()
        let places = numbers.map { $0 as Int? } + elsewhere.map { $0 as Int? }
        let all = seats.keys.contains { $0.pnode == nil } ? places + [nil] : places
        return all.map { pnode in panel(pnode, seats.filter { $0.key.pnode == pnode }) }
    }

    /// A vnode of a domain, on a physical node.
    private struct Seat: Hashable {
        var pnode: Int?
        var domain: Int
        var vnode: Int
    }

    /// Each with its balloon by entry.
    private var seats: [Seat: [RecordLine.Balloon?]] {
        var seats: [Seat: [RecordLine.Balloon?]] = [:]
        for (index, entry) in entries.enumerated() {
            for balloon in entry.sight?.vnodes ?? [] {
                let seat = Seat(pnode: balloon.pnode, domain: balloon.domain ?? 0, vnode: balloon.vnode)
                seats[seat, default: Array(repeating: nil, count: entries.count)][index] = balloon
            }
        }
        return seats
    }

    private func panel(_ pnode: Int?, _ seats: [Seat: [RecordLine.Balloon?]]) -> PlotPanel {
        let nodes = entries.map { entry in entry.sight?.nodes.first { $0.pnode == pnode } }
        let span = nodes.lazy.compactMap { $0?.span }.last.map { " of \(PlotPanel.size($0))" } ?? ""
        let sorted = seats.sorted { ($0.key.domain, $0.key.vnode) < ($1.key.domain, $1.key.vnode) }
        /// The sum over all vnodes that there were; nil: one is not known, or nobody looked.
        func sum(_ value: (RecordLine.Balloon) -> KiB?) -> PlotPanel.Curve {
            entries.indices.map { index in
                guard entries[index].sight != nil else { return nil }
                return sorted.compactMap { $0.value[index] }.reduce(.zero) { sum, balloon in
                    guard let sum, let value = value(balloon) else { return nil }
                    // What a damaged record adds up to is no crash.
                    return KiB(sum.count.addingReportingOverflow(value.count).overflow ? .max : sum.count + value.count)
                }
            }
        }
        return PlotPanel(
            title: pnode.map { "pnode \($0)\(span)" } ?? "on no known physical node",
            free: pnode == nil ? nil : nodes.map { $0?.free }, balloon: sum(\.balloon),
            // Without a target it stays where it is.
            goal: sum { $0.goal ?? $0.balloon },
            lanes: sorted.map { seat, balloons in
                let name = balloons.lazy.compactMap { $0?.name }.last ?? "\(seat.domain)"
                return .init(name: "\(name).\(seat.vnode)", balloons: balloons)
            })
    }
}
