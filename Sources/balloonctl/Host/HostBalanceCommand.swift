import ArgumentParser
import BalloonCore
import BalloonHost

struct HostBalanceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "balance",
        abstract: "Balance the vnodes of each physical node once.",
        discussion: """
            Each vnode gets its minimum plus the same fraction, for all vnodes, of the range up to its maximum. Differences of \
            less than 64 MiB, or 1 % of the node, are left alone.
            """)

    @Option(help: "Only this physical node.")
    var pnode: Int?

    @Flag(help: "Only show what would be done.")
    var dryRun = false

    @OptionGroup var waiting: HostWaitOptions

    @Flag(help: "Print JSON.")
    var json = false

    /// Some guests must give memory before others can take it: so many rounds are enough.
    private static let rounds = 8

    func run() throws {
        try Exit.onError {
            let session = try HostSession(waiting)
            let snapshot = try session.engine.read()
            let nodes = snapshot.nodes.map(\.number).filter { pnode == nil || $0 == pnode }
            guard !nodes.isEmpty else {
                throw BalloonError(
                    .usage, "there is no physical node \(pnode ?? 0): this host has \(snapshot.nodes.count)")
            }
            if dryRun { return show(Self.merged(nodes, snapshot), snapshot) }
            var all: [UInt16: [Int: KiB]] = [:]
            for _ in 1...Self.rounds {
                let goals = try session.turn { () throws(BalloonError) in try Self.write(session.engine, nodes) }
                if goals.isEmpty { break }
                all.merge(goals) { $0.merging($1) { $1 } }
                let (verdicts, last) = try HostWaiting(session: session, options: waiting).run(goals)
                // The daemon may level the same node: the next round shows whether anything is left.
                let ends = verdicts.filter { !$0.value.isSuperseded }
                if !HostWaiting.explain(ends, last) { throw Exit.temporary }
            }
            show(all, try session.engine.read())
        }
    }

    private static func merged(_ nodes: [Int], _ snapshot: HostSnapshot) -> [UInt16: [Int: KiB]] {
        Balance.targets(snapshot, pnodes: nodes)
    }

    private static func write(_ engine: HostEngine, _ nodes: [Int]) throws(BalloonError) -> [UInt16: [Int: KiB]] {
        let snapshot = try engine.read()
        let goals = merged(nodes, snapshot)
        try engine.setTargets(goals, of: snapshot.domains)
        return goals
    }

    private func show(_ goals: [UInt16: [Int: KiB]], _ snapshot: HostSnapshot) {
        if json {
            var writer = JSONWriter()
            writer.object { writer in
                writer.member("schema", 1)
                HostWaiting.write(goals.mapValues { _ in dryRun ? .moving : .reached }, goals, snapshot, &writer)
            }
            return Terminal.show(writer.text)
        }
        for (id, targets) in goals.sorted(by: { $0.key < $1.key }) {
            let name = snapshot.domains.first { $0.id == id }?.name ?? "domain \(id)"
            for (vnode, kib) in targets.sorted(by: { $0.key < $1.key }) {
                Terminal.show("\(name), vnode \(vnode): balloon \(Size.text(kib))")
            }
        }
        if goals.isEmpty { Terminal.show("level already") }
    }
}
