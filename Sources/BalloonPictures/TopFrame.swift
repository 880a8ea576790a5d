import BalloonCore

/// The contents of a live picture.
public struct TopFrame: Sendable {
    /// 12:00:05
    public var time: String
    public var heading: String
    /// The physical nodes; none in a guest, which does not know them.
    public var nodes: [TopNode]
    public var rows: [TopRow]
    /// Sentences below the rows.
    public var notes: [String]
    /// Why there is no picture.
    public var fault: String?

    public init(
        time: String, heading: String, nodes: [TopNode] = [], rows: [TopRow], notes: [String] = [],
        fault: String? = nil
    ) {
        self.time = time
        self.heading = heading
        self.nodes = nodes
        self.rows = rows
        self.notes = notes
        self.fault = fault
    }

    var isOfHost: Bool { !nodes.isEmpty }
    var legend: [TopBar.Mark] { isOfHost ? TopBar.ofHost : TopBar.ofVNode }
    /// The word for who keeps some of a vnode's memory.
    var keeper: String { isOfHost ? "min" : "guard" }
}
