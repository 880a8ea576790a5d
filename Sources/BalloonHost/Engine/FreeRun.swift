/// One `host free` from beginning to end: it plans, writes targets, judges how the domains move, and plans anew without
/// those that do not move. The caller provides snapshots, the clock, and the lock for writing.
public struct FreeRun {
    public enum State: Equatable, Sendable {
        /// Targets were written, and guests are moving.
        case moving
        /// The next step writes targets.
        case planning
        case done
        /// Too little came free, and nothing more can be done. The plan says what is missing.
        case short(FreeTask.Plan)
    }

    /// The most plans that are made.
    public static let rounds = 3
    /// The most plans beside them, each because another program had written other targets: the balancer, which levels what a
    /// plan changes, or a second `host free`. Their plan may do as well. A plan that more memory has come free before does not
    /// count: on its way the balancer may level several times, and all the memory there is bounds how often that can be.
    static let replans = 3

    public private(set) var task: FreeTask
    public private(set) var state = State.planning
    /// All targets that were written.
    public private(set) var written: [UInt16: [Int: KiB]] = [:]
    /// How each domain ended in the last round.
    public private(set) var verdicts: [UInt16: MoveJudge.Verdict] = [:]
    /// The targets that are waited for: those written by this run, and those that were set before.
    public private(set) var goals: [UInt16: [Int: KiB]] = [:]
    private var judge: MoveJudge?
    private var round = 0
    private var replan = 0
    /// The most that was measured free of the wished nodes when a plan was made.
    private var mostFree: KiB = .zero
    private var lastGoals: [UInt16: [Int: KiB]] = [:]
    private var wasShort = false
    private let stall: Interval

    /// - Parameter stall: how long to wait without progress.
    public init(_ task: FreeTask, stall: Interval) {
        self.task = task
        self.stall = stall
    }

    /// Takes in where the guests are, while `moving`. Only the rows of the domains in `goals` are needed.
    /// - Parameter silence: see ``MoveJudge/look(_:now:silence:)``.
    public mutating func look(_ snapshot: HostSnapshot, now: Moment, silence: Interval = .zero) {
        guard state == .moving, var judge else { return }
        judge.look(snapshot, now: now, silence: silence)
        self.judge = judge
        verdicts = judge.verdicts
        if judge.isOver { state = .planning }
    }

    /// Writes targets, while `planning`. The snapshot must be current, and no other process may write meanwhile.
    /// - Parameter now: asked for once the targets are written, which may take long.
    public mutating func write(
        _ engine: HostEngine, _ snapshot: HostSnapshot, now: @autoclosure () -> Moment
    ) throws(BalloonError) {
        guard state == .planning else { return }
        let isFirst = round == 0
        if !isFirst {
            for domain in snapshot.domains where verdicts[domain.id] == .reached {
                if lastGoals[domain.id]?[HostDomain.whole] != nil { try engine.lowerMax(domain) }
            }
            if task.isDone(snapshot) || (task.options.isPartial && wasShort && areAllReached) {
                state = .done
                return
            }
            var failed = verdicts.filter { $0.value != .reached }
            if failed.contains(where: { $0.value.isSuperseded }), mayReplan(snapshot) {
                failed = failed.filter { !$0.value.isSuperseded }
                round -= 1
            }
            try task.giveUp(on: failed, lastGoals, engine, snapshot)
        }
        // Domains that were given up are not on their way any more, so this reads again.
        let current = isFirst ? snapshot : try engine.read()
        if isFirst { mostFree = task.measured(current) }
        let plan = task.plan(current)
        wasShort = plan.short.contains { $0 > .zero }
        round += 1
        if round > Self.rounds || (wasShort && !task.options.isPartial) {
            state = task.isDone(current) ? .done : .short(plan)
            return
        }
        task.noteWholes(plan, current)
        try engine.setTargets(plan.targets, of: current.domains)
        written.merge(plan.targets) { $0.merging($1) { $1 } }
        lastGoals = plan.targets
        goals = plan.targets.merging(onTheirWay(current)) { $0.merging($1) { first, _ in first } }
        judge = MoveJudge(goals, current, now: now(), stall: stall)
        verdicts = judge?.verdicts ?? [:]
        state = goals.isEmpty ? .planning : .moving
        if goals.isEmpty && (task.isDone(current) || wasShort) { state = task.isDone(current) ? .done : .short(plan) }
    }

    private mutating func mayReplan(_ snapshot: HostSnapshot) -> Bool {
        let free = task.measured(snapshot)
        if free >= mostFree + HostVNode.usualGrain {
            mostFree = free
            return true
        }
        replan += 1
        return replan <= Self.replans
    }

    private var areAllReached: Bool { verdicts.values.allSatisfy { $0 == .reached } }

    /// Earlier targets that vnodes of these nodes have not reached yet. The plan counted on them.
    private func onTheirWay(_ snapshot: HostSnapshot) -> [UInt16: [Int: KiB]] {
        var found: [UInt16: [Int: KiB]] = [:]
        for domain in snapshot.domains where domain.exclusionAnywhere == nil && task.excluded[domain.id] == nil {
            for vnode in domain.vnodes where vnode.exclusionAnywhere == nil {
                guard task.wishes.contains(where: { $0.pnode == nil || $0.pnode == vnode.pnode }),
                    let target = vnode.target, let rounded = vnode.roundedTarget, let kib = vnode.balloon,
                    rounded > kib
                else { continue }
                found[domain.id, default: [:]][vnode.number] = target
            }
        }
        return found
    }
}
