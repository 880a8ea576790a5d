import ArgumentParser
import BalloonCore
import BalloonHost
import BalloonPictures

struct HostTopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "Watch physical nodes and balloons live, with a bar for each.",
        discussion: TopOptions.keys)

    @OptionGroup var options: TopOptions

    func run() throws {
        try Exit.onError {
            let session = try HostSession()
            func look() throws -> TopFrame { Self.frame(try session.engine.read()) }
            try options.show(try look(), look: look)
        }
    }

    private static func frame(_ snapshot: HostSnapshot) -> TopFrame {
        let report = HostReport(snapshot)
        let managed = snapshot.domains.filter(\.hasBalloons)
        let others = snapshot.domains.filter { !$0.hasBalloons }
        let unmanaged = others.map { "\($0.name) \(Size.short($0.memory))" }.joined(separator: ", ")
        return TopFrame(
            time: Terminal.time,
            heading: "\(managed.count) of \(snapshot.domains.count) domains, host free \(Size.short(snapshot.free))",
            nodes: snapshot.nodes.map { node(snapshot, $0, report) },
            rows: managed.flatMap { domain in domain.vnodes.map { row(domain, $0) } },
            notes: (others.isEmpty ? [] : ["without balloons of ours: \(unmanaged)"]) + report.remarks.map { "! \($0)" }
        )
    }

    private static func node(_ snapshot: HostSnapshot, _ node: PhysicalNode, _ report: HostReport) -> TopNode {
        let (balloons, slack, vnodes) = report.balloons(node.number)
        return TopNode(
            number: node.number, size: node.size, free: node.free, goal: (node.free + node.giving).less(node.taking),
            kept: min(node.free, node.reserved + PhysicalNode.floor), freeable: slack, balloons: balloons,
            vnodes: vnodes)
    }

    /// What the vnode has beside its balloon is what it could give at most, and its limits keep some of that.
    private static func row(_ domain: HostDomain, _ vnode: HostVNode) -> TopRow {
        let had = vnode.balloon.map { vnode.size.less($0) }
        let isKnown = domain.facts.kind != .pv
        return TopRow(
            number: Int(domain.id) << 16 | vnode.number, name: "\(domain.name) vnode \(vnode.number)",
            place: "pnode \(vnode.pnode.map { "\($0)" } ?? (isKnown ? "?" : "any"))", size: vnode.size,
            balloon: vnode.balloon, goal: vnode.target, available: had, kept: had.map { min($0, vnode.minimum) },
            state: vnode.state?.rawValue ?? "unknown", reason: vnode.reason?.rawValue)
    }
}

extension HostDomain {
    /// Whether the toolstack sees vnodes of it.
    var hasBalloons: Bool { isManaged && !isToolstack }
}
