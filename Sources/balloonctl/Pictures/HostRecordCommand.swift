import ArgumentParser
import BalloonHost
import BalloonPictures

struct HostRecordCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record", abstract: "Write down each change of physical nodes and balloons.",
        discussion: """
            A line of JSON when anything changed, and one at the end, behind what the file has already. It goes on until
            Ctrl-C, SIGTERM, or until nobody reads any more. `balloonctl plot` makes a picture of it, by physical node.
            """)

    @OptionGroup var options: RecordOptions

    func run() throws {
        try Exit.onError {
            let session = try HostSession()
            try options.record(.host) { Self.sight(try session.engine.read()) }
        }
    }

    private static func sight(_ snapshot: HostSnapshot) -> RecordLine.Sight {
        RecordLine.Sight(
            nodes: snapshot.nodes.map {
                RecordLine.Node(pnode: $0.number, span: $0.size, free: $0.free, reserved: $0.reserved)
            },
            vnodes: snapshot.domains.filter(\.hasBalloons).flatMap { domain in
                domain.vnodes.map { vnode in
                    var balloon = RecordLine.Balloon(
                        vnode: vnode.number, size: vnode.size, target: vnode.target, balloon: vnode.balloon,
                        state: vnode.state?.rawValue, reason: vnode.reason?.rawValue)
                    balloon.domain = Int(domain.id)
                    balloon.name = domain.name
                    balloon.pnode = vnode.pnode
                    return balloon
                }
            })
    }
}
