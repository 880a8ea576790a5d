/// One `host free` from its beginning to its end: plans, writes, judges what comes of it, and plans anew without those that do not
/// move. The caller brings snapshots, the clock, and the lock for what is written.
public struct FreeRun {
    public enum State: Equatable, Sendable {
        /// Guests move; there is nothing to write.
        case moving
        /// The next step writes.
        case planning
        case done
        /// The memory is not enough and no other guest can give: the plan says what is missing.
        case short(FreeTask.Plan)
    }

    /// Plans are made at most so often.
    public static let rounds = 3

    public private(set) var task: FreeTask
    public private(set) var state = State.planning
    /// All targets that were written.
    public private(set) var written: [UInt16: [Int: KiB]] = [:]
    /// How each domain ended in the last round.
    public private(set) var verdicts: [UInt16: MoveJudge.Verdict] = [:]
    /// What is waited for: what was written, and what was on its way before.
    public private(set) var goals: [UInt16: [Int: KiB]] = [:]
    private var judge: MoveJudge?
    private var round = 0
    private var lastGoals: [UInt16: [Int: KiB]] = [:]
    private var wasShort = false
    private let stall: Interval

    /// - Parameter stall: how long is waited without progress.
    public init(_ task: FreeTask, stall: Interval) {
        self.task = task
        self.stall = stall
    }

    /// Where the guests are, while `moving`: only the rows of those in `goals` are needed.
    public mutating func look(_ snapshot: HostSnapshot, now: Moment) {
        guard state == .moving, var judge else { return }
        judge.look(snapshot, now: now)
        self.judge = judge
        verdicts = judge.verdicts
        if judge.isOver { state = .planning }
    }

    /// Writes, while `planning`: with a snapshot of now, which no other process changes meanwhile.
    public mutating func write(
        _ engine: HostEngine, _ snapshot: HostSnapshot, now: Moment
    ) throws(BalloonError) {
        guard state == .planning else { return }
        if round > 0 {
            for domain in snapshot.domains where verdicts[domain.id] == .reached {
                if lastGoals[domain.id]?[HostDomain.whole] != nil { try engine.lowerMax(domain) }
            }
            if task.isDone(snapshot) || (task.options.isPartial && wasShort && areAllReached) {
                state = .done
                return
            }
            try task.giveUp(on: verdicts, lastGoals, engine, snapshot)
        }
        // Targets that were given up no longer count as on their way.
        let current = round > 0 ? try engine.read() : snapshot
        let plan = task.plan(current)
        wasShort = plan.short.contains { $0 > .zero }
        round += 1
        if round > Self.rounds || (wasShort && !task.options.isPartial) {
            state = task.isDone(current) ? .done : .short(plan)
            return
        }
        task.noteWholes(plan, current)
        for domain in current.domains { try engine.setTargets(domain, plan.targets[domain.id] ?? [:]) }
        written.merge(plan.targets) { $0.merging($1) { $1 } }
        lastGoals = plan.targets
        goals = plan.targets.merging(onTheirWay(current)) { $0.merging($1) { first, _ in first } }
        judge = MoveJudge(goals, current, now: now, stall: stall)
        verdicts = judge?.verdicts ?? [:]
        state = goals.isEmpty ? .planning : .moving
        if goals.isEmpty && (task.isDone(current) || wasShort) { state = task.isDone(current) ? .done : .short(plan) }
    }

    private var areAllReached: Bool { verdicts.values.allSatisfy { $0 == .reached } }

    /// Targets that vnodes of these nodes had before: the plan counted on them.
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
