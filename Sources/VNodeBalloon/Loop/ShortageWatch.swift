/// When to look whether a vnode is short of memory: as often as its memory could run out, and not more than once a
/// second. Only while the toolstack made the row for it, and the balloon has something to give back.
struct ShortageWatch {
    private var pace = PressurePace()
    /// nil: never.
    private(set) var due: Moment?

    mutating func set(isWanted: Bool, now: Moment) {
        if !isWanted { due = nil } else if due == nil { due = now }
    }

    func isDue(now: Moment) -> Bool { due.map { now >= $0 } ?? false }

    /// - Parameter looks: nil: the nodes could not be looked at.
    mutating func looked(_ looks: [PressurePace.Look]?, began: Moment, now: Moment) {
        let pause = looks.map { pace.pause(after: $0, cost: now - began, now: now) } ?? Backoff.first
        due = now + max(pause, ShortRows.interval)
    }
}

extension BalloonEngine {
    /// Each vnode has a balloon and a node of its own.
    private var hasOwnNodes: Bool { guest.mover.vnodes.count == guest.mover.domainVNodes.count }

    /// Those of these vnodes that have something to take back, or were last reported as short.
    func shortVNodes(_ wanted: Set<Int>, _ told: (Int) -> KiB?) -> [VNodeState] {
        guard hasOwnNodes else { return [] }
        return controller.states.filter { state in
            guard wanted.contains(state.vnode.number) else { return false }
            return state.balloonFrames != .zero || told(state.vnode.number) != .zero
        }
    }

    /// How much memory these vnodes lack, and by what ``ShortageWatch`` sets its next look; nil: the nodes cannot be
    /// read.
    func shortages(
        _ states: [VNodeState], _ told: (Int) -> KiB?
    ) -> (short: [Int: KiB], looks: [PressurePace.Look])? {
        guard let nodes = memoryFacts(now) else { return nil }
        var (short, looks): ([Int: KiB], [PressurePace.Look]) = ([:], [])
        for state in states {
            let number = state.vnode.number
            guard let memory = nodes[number] else { continue }
            let rule = controller.options.guardRule
            let wasShort = told(number) ?? .zero > .zero
            short[number] = state.balloonFrames == .zero ? .zero : rule.short(on: memory, wasShort: wasShort)
            looks.append(
                PressurePace.Look(
                    vnode: number, available: memory.available, kept: rule.kept(on: memory),
                    balloon: state.balloon ?? .zero))
        }
        return (short, looks)
    }
}
