import ArgumentParser
import BalloonCore
import BalloonHost

/// Frees memory and waits for it: it plans, writes targets, reads, and plans anew without domains that do not move.
struct HostFreeing {
    let session: HostSession
    let waiting: HostWaitOptions
    let isJSON: Bool
    private let wishes: [FreeTask.Wish]
    private let options: FreeTask.Options
    private let first: HostSnapshot
    init(
        _ session: HostSession, _ free: HostFreeOptions, _ waiting: HostWaitOptions, _ wishes: [FreeTask.Wish],
        isJSON: Bool
    ) throws {
        self.session = session
        self.waiting = waiting
        self.isJSON = isJSON
        self.wishes = wishes
        // In a turn, so that reservations of processes that are gone do not count.
        let engine = session.engine
        first = try session.turn { () throws(BalloonError) in try engine.read() }
        for wish in wishes {
            if let pnode = wish.pnode, pnode >= first.nodes.count {
                throw BalloonError(
                    .usage, "there is no physical node \(pnode): this host has \(first.nodes.count), numbered from 0")
            }
        }
        var options = FreeTask.Options()
        options.spread = FreePlan.Spread(rawValue: free.spread) ?? .fewest
        options.isPartial = free.partial
        options.takesOld =
            try free.legacy || (free.any && HostConfiguration(path: HostConfiguration.standardPath).takesOld)
        if !free.from.isEmpty { options.chosen = Set(try session.domains(free.from, first).map(\.id)) }
        self.options = options
    }

    /// Prints what would be done, and whether it would be enough.
    func show() throws {
        let plan = FreeTask(wishes, options, first).plan(first)
        report(plan.targets, [:], first, isDone: plan.short.allSatisfy { $0 == .zero })
        if plan.short.contains(where: { $0 > .zero }) {
            complain(plan, first, FreeTask(wishes, options, first))
            throw Exit.temporary
        }
    }

    /// Frees the memory without a report at the end.
    func runQuietly() throws { try run(isWaiting: true, isQuiet: true) }

    func run(isWaiting: Bool, isQuiet: Bool = false) throws {
        var run = FreeRun(FreeTask(wishes, options, first), stall: .seconds(waiting.stall))
        let progress = HostWaiting.Progress(waiting, session.silence)
        defer { progress.end() }
        let engine = session.engine
        while true {
            switch run.state {
            case .planning:
                try session.turn { () throws(BalloonError) in
                    try run.write(engine, try engine.read(), now: HostSession.now)
                }
                if !isWaiting, run.state == .moving { return report(run, first) }
            case .moving:
                let (snapshot, silence) = try session.read(rowsOf: Set(run.goals.keys))
                run.look(snapshot, now: HostSession.now, silence: silence)
                if run.state == .moving {
                    try progress.show(snapshot, run.goals, run.verdicts)
                    progress.pause()
                } else {
                    // More rounds may come, in which Ctrl-C and --timeout count as well.
                    Terminal.endProgress()
                    _ = HostWaiting.explain(run.verdicts, snapshot)
                }
            case .done:
                if !isQuiet { report(run, try engine.read()) }
                return
            case .short(let plan):
                complain(plan, try engine.read(), run.task)
                throw Exit.temporary
            }
        }
    }

    private func report(_ run: FreeRun, _ snapshot: HostSnapshot) {
        report(run.written, run.verdicts, snapshot, isDone: run.task.isDone(snapshot))
    }

    private func complain(_ plan: FreeTask.Plan, _ snapshot: HostSnapshot, _ task: FreeTask) {
        for (index, wish) in task.wishes.enumerated() where plan.short[index] > .zero {
            let place = wish.pnode.map { "physical node \($0)" } ?? "the host"
            let free = FreeTask.measured(wish.pnode, snapshot)
            Terminal.complain(
                "\(place): \(Size.text(wish.kib)) wanted, \(Size.text(free)) free,"
                    + " \(Size.text(plan.given[index])) can be freed: \(Size.text(plan.short[index])) missing"
            )
        }
        for (id, verdict) in task.excluded.sorted(by: { $0.key < $1.key }) {
            let name = snapshot.domains.first { $0.id == id }?.name ?? "?"
            Terminal.complain(verdict.sentence("domain \(id) (\(name))"))
        }
        for domain in snapshot.domains where !domain.isToolstack {
            if let why = task.exclusion(domain) {
                Terminal.complain("left out: domain \(domain.id) (\(domain.name)): \(why.rawValue)")
            }
        }
    }

    private func report(
        _ goals: [UInt16: [Int: KiB]], _ verdicts: [UInt16: MoveJudge.Verdict], _ snapshot: HostSnapshot,
        isDone: Bool
    ) {
        if isJSON { return Terminal.show(json(goals, verdicts, snapshot, isDone)) }
        for (id, targets) in goals.sorted(by: { $0.key < $1.key }) {
            let domain = snapshot.domains.first { $0.id == id }
            for (vnode, kib) in targets.sorted(by: { $0.key < $1.key }) {
                if let domain, vnode == HostDomain.whole {
                    let before = first.domains.first { $0.id == id }?.legacyTarget ?? .zero
                    Terminal.show(
                        "\(domain.name): memory/target \(Size.text(before)) to"
                            + " \(Size.text(domain.wholeTarget(kib)))")
                    continue
                }
                let before = first.domains.first { $0.id == id }?.vnodes.first { $0.number == vnode }?.balloon ?? .zero
                Terminal.show(
                    "\(domain?.name ?? "domain \(id)"), vnode \(vnode): balloon \(Size.text(before)) to"
                        + " \(Size.text(kib))")
            }
        }
        for wish in wishes {
            let free = FreeTask.measured(wish.pnode, snapshot)
            Terminal.show("\(wish.pnode.map { "physical node \($0)" } ?? "the host"): \(Size.text(free)) free")
        }
    }

    private func json(
        _ goals: [UInt16: [Int: KiB]], _ verdicts: [UInt16: MoveJudge.Verdict], _ snapshot: HostSnapshot,
        _ isDone: Bool
    ) -> String {
        var json = JSONWriter()
        json.object { json in
            json.member("schema", 1)
            json.member("done", isDone)
            json.key("pnodes")
            json.array(FreeTask(wishes, options, first).wishes) { json, wish in
                json.object { json in
                    json.member("pnode", wish.pnode)
                    json.member("wanted_kib", wish.kib)
                    json.member("free_before_kib", FreeTask.measured(wish.pnode, first))
                    json.member("free_kib", FreeTask.measured(wish.pnode, snapshot))
                }
            }
            var ends = verdicts
            for id in goals.keys where ends[id] == nil { ends[id] = isDone ? .reached : .moving }
            HostWaiting.write(ends, goals, snapshot, &json)
        }
        return json.text
    }
}
