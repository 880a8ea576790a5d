/// Decides what each vnode's balloon does next.
///
/// It is pure. The caller passes the facts, asks for one bounded step, and reports the outcome. The controller makes no
/// calls and has no clock: the caller passes the time.
public struct BalloonController: Sendable {
    public var options: Options {
        didSet { takeOptions() }
    }
    let extent: KiB
    var balloons: [Balloon]
    /// Whether memory/target came back after it had been absent.
    public private(set) var legacyTargetReturned = false
    private var lastActed = -1
    private var rateDue: Moment = .zero

    /// One vnode's balloon and what is planned for it.
    struct Balloon: Sendable {
        var state: VNodeState
        var request: TargetRequest = .absent
        var backoff = Backoff()
        /// What stopped the last try, until one succeeds.
        var obstacle: HeldReason?
        /// The last try has not ended: Linux's own balloon is still moving to the target that was written.
        var isTrying = false
        /// Whether xenstore's request is followed. Without a daemon only forced sizes are.
        var followsRequest = true
        /// Whether its file was removed.
        var isRemoved = false
        /// The largest balloon that the configuration's floor allows.
        var mostFrames: Frames = .max
        /// The size that memory pressure left.
        var ceiling: Ceiling?
        /// Whether more is asked for than is allowed.
        var isLimited = false
        /// Why its size is not known; nil: it is known.
        var unknown: HeldReason? = .looking
    }

    /// - Parameter granularity: targets are rounded down to a multiple of this; also the size of an extent.
    public init(vnodes: [VNode], granularity: KiB, options: Options = Options()) {
        self.options = options
        extent = granularity
        balloons = vnodes.map { Balloon(state: VNodeState(vnode: $0, balloonFrames: nil)) }
        takeOptions()
    }

    private mutating func takeOptions() {
        rateDue = .zero
        for index in balloons.indices {
            let most = balloons[index].state.vnode.size.less(options.floor)
            balloons[index].mostFrames = most.roundedDown(to: extent).wholeFrames
            if options.yielding == nil { balloons[index].ceiling = nil }
            settle(index)
        }
    }

    /// The vnodes' states, in order of their numbers.
    public var states: [VNodeState] { balloons.map(\.state) }

    // MARK: Input

    /// Takes in xenstore's request. A new request is tried at once.
    public mutating func setRequest(_ request: TargetRequest, vnode: Int) {
        update(vnode) { balloon in
            guard balloon.request != request else { return }
            balloon.request = request
            balloon.startAfresh()
        }
    }

    /// Sets whether xenstore's requests are followed, or only shown.
    public mutating func setFollowsRequests(_ follows: Bool) {
        for index in balloons.indices {
            balloons[index].followsRequest = follows
            settle(index)
        }
    }

    /// Sets a size that an administrator wants, whatever xenstore asks for; nil releases it.
    public mutating func setForced(_ size: KiB?, vnode: Int) {
        let rounded = size?.roundedDown(to: extent)
        update(vnode) { balloon in
            guard balloon.state.forced != rounded else { return }
            balloon.state.forced = rounded
            balloon.startAfresh()
        }
    }

    /// Takes in the balloon's size, as an audit found it.
    /// - Parameter lost: memory that cannot be taken back. It is not part of the balloon.
    public mutating func setBalloon(frames: Frames, lost: KiB = .zero, vnode: Int) {
        update(vnode) { balloon in
            // The size changed, so the obstacle is gone.
            if balloon.isTrying && balloon.state.balloonFrames != frames { balloon.obstacle = nil }
            balloon.state.balloonFrames = frames
            balloon.state.lost = lost
            if balloon.unknown != nil { (balloon.state.detail, balloon.state.audited) = (nil, nil) }
            balloon.unknown = nil
        }
    }

    /// Marks the vnode's balloon as not known: it is held until ``setBalloon(frames:lost:vnode:)``.
    /// - Parameters:
    ///   - detail: what keeps it from being known; nil while it is being audited.
    ///   - audited: how far the audit is.
    public mutating func setUnknown(
        _ reason: HeldReason, detail: String? = nil, audited: AuditedExtents? = nil, vnode: Int
    ) {
        update(vnode) { balloon in
            balloon.unknown = reason
            balloon.state.balloonFrames = nil
            (balloon.state.detail, balloon.state.audited) = (detail, audited)
        }
    }

    /// Notes whether the vnode's file was removed. Then all of its balloon comes back, and none is given until it has a
    /// new file.
    public mutating func setRemoved(_ isRemoved: Bool, vnode: Int) {
        update(vnode) { balloon in
            guard balloon.isRemoved != isRemoved else { return }
            balloon.isRemoved = isRemoved
            balloon.startAfresh()
        }
    }

    /// Notes whether memory/target came back after an absence. Then no more memory is given; what is given stays given.
    public mutating func setLegacyTargetReturned(_ returned: Bool) {
        guard returned != legacyTargetReturned else { return }
        legacyTargetReturned = returned
        for index in balloons.indices {
            balloons[index].startAfresh()
            settle(index)
        }
    }

    /// Forgets all obstacles and back-offs, as after a resume.
    public mutating func startAfresh() {
        for index in balloons.indices {
            balloons[index].startAfresh()
            settle(index)
        }
    }

    /// Takes in the outcome of an action.
    public mutating func finish(_ action: Action, _ outcome: Outcome, now: Moment) {
        update(action.vnode) { balloon in
            let moved = balloon.state.balloonFrames != outcome.balloonFrames
            balloon.isTrying = outcome.pause != nil
            balloon.state.balloonFrames = outcome.balloonFrames
            // An audit comes next. The obstacle may still be there afterwards.
            if outcome.balloonFrames == nil {
                // The caller may already have set the reason why that audit cannot be done.
                if balloon.unknown == nil { (balloon.unknown, balloon.state.detail) = (.looking, nil) }
                balloon.obstacle = outcome.obstacle
                if outcome.obstacle != nil { balloon.backoff.failed(now: now) }
                return
            }
            if moved { balloon.startAfresh() }
            if let pause = outcome.pause {
                balloon.backoff.pause(until: now + pause)
            } else if !moved {
                balloon.obstacle = outcome.obstacle ?? .hypervisorRefused
                balloon.backoff.failed(now: now)
            }
        }
        lastActed = action.vnode
        if options.maxRateMiB > 0 {
            let extents: Int
            switch action {
            case .inflate(_, let n), .deflate(_, let n): extents = n
            }
            // The number of KiB, taken as seconds, divided by the KiB in a MiB and by the rate in MiB a second.
            rateDue = now + .seconds((extent * UInt64(extents)).count) / KiB.mib(1).count / options.maxRateMiB
        }
    }

    // MARK: Output

    /// Whether a decision needs to know the memory of this vnode's node.
    public func wantsMemoryFacts(of vnode: Int, now: Moment) -> Bool {
        guard let balloon = balloons.first(where: { $0.state.vnode.number == vnode }) else { return false }
        if balloon.isHeldByPressure && balloon.isCeilingDue(now: now) { return true }
        return direction(of: balloon) == .inflating && balloon.backoff.isDue(now: now)
    }

    /// Whether a decision needs the reservations: only where one vnode may give memory and another take some.
    public func wantsReservations(now: Moment) -> Bool {
        let moving = balloons.filter { $0.backoff.isDue(now: now) }.map { direction(of: $0) }
        guard moving.contains(.deflating) else { return false }
        // A balloon that memory pressure holds may inflate as soon as its ceiling is lifted.
        return moving.contains(.inflating) || balloons.contains(where: \.isHeldByPressure)
    }

    /// Returns the next step, if one is due. The reason why a vnode does not move is noted in its state.
    public mutating func next(_ facts: Facts, now: Moment) -> Decision {
        var chosen: Action?
        // The vnode after the one that moved last comes first, so that no vnode waits for the whole way of another.
        let start = (balloons.firstIndex { $0.state.vnode.number > lastActed } ?? 0)
        for offset in balloons.indices {
            let index = (start + offset) % balloons.count
            if now < rateDue && !balloons[index].isUrgent { continue }
            guard let action = step(index, facts, now: now) else { continue }
            if chosen == nil || isBetter(action, than: chosen, facts) { chosen = action }
        }
        if let chosen {
            noteMoving(chosen)
            return .act(chosen)
        }
        return .wait(until: balloons.compactMap { due(of: $0, now: now) }.min())
    }

    /// When to consider again a vnode that does not move now.
    private func due(of balloon: Balloon, now: Moment) -> Moment? {
        let earliest = now < rateDue && !balloon.isUrgent ? rateDue : nil
        if direction(of: balloon) != nil {
            return earliest.map { max($0, balloon.backoff.due ?? .zero) } ?? balloon.backoff.due
        }
        guard balloon.isHeldByPressure, let ceiling = balloon.ceiling else { return nil }
        return max(ceiling.due, earliest ?? .zero)
    }

    /// Whether something may move although its state is `held`, because it is being tried again.
    public var isTrying: Bool { balloons.contains { $0.isTrying && direction(of: $0) != nil } }

    func direction(of balloon: Balloon) -> VNodeActivity? {
        balloon.direction(extent, inflating: !legacyTargetReturned)
    }

    /// Whether an inflate must come before a deflate: Xen refuses to populate above the maximum, and giving makes room.
    private func isBetter(_ action: Action, than other: Action?, _ facts: Facts) -> Bool {
        guard case .inflate = action, case .deflate(_, let extents)? = other else { return false }
        return facts.currentReservation + (extent * UInt64(extents)).wholeFrames > facts.maximumReservation
    }

    private mutating func step(_ index: Int, _ facts: Facts, now: Moment) -> Action? {
        let vnode = balloons[index].state.vnode.number
        liftCeiling(index, facts, now: now)
        guard let direction = direction(of: balloons[index]), balloons[index].backoff.isDue(now: now) else {
            settle(index)
            return nil
        }
        let distance = balloons[index].distanceExtents(extent)
        if direction == .deflating {
            return .deflate(vnode: vnode, extents: min(distance, options.deflateExtents, stepExtents))
        }
        guard balloons[index].state.vnode.linuxNode != nil else { return hold(index, .noNode, now: now) }
        // If the node's memory cannot be read, the guard assumes that the node is short of memory.
        guard let nodes = facts.memory else { return hold(index, .guard, now: now) }
        guard let memory = nodes[vnode] else { return hold(index, .noNode, now: now) }
        let allowed = options.guardRule.extents(on: memory, extent: extent)
        guard allowed > 0 else { return hold(index, .guard, now: now) }
        return .inflate(vnode: vnode, extents: min(distance, allowed, options.inflateExtents, stepExtents))
    }

    /// The most extents that a step moves: what the rate allows in a second. So another vnode or a new target waits no
    /// longer than that.
    private var stepExtents: Int {
        options.maxRateMiB == 0 ? .max : max(1, Int(min(KiB.mib(min(options.maxRateMiB, 1 << 40)) / extent, 1 << 20)))
    }

    private mutating func hold(_ index: Int, _ reason: HeldReason, now: Moment) -> Action? {
        balloons[index].obstacle = reason
        balloons[index].backoff.failed(now: now)
        settle(index)
        return nil
    }

    private mutating func noteMoving(_ action: Action) {
        update(action.vnode, settled: false) { balloon in
            balloon.state.reason = nil
            switch action {
            case .inflate: balloon.state.activity = .inflating
            case .deflate: balloon.state.activity = .deflating
            }
        }
    }

    private mutating func update(_ vnode: Int, settled: Bool = true, _ body: (inout Balloon) -> Void) {
        guard let index = balloons.firstIndex(where: { $0.state.vnode.number == vnode }) else { return }
        body(&balloons[index])
        if settled { settle(index) }
    }

    /// Updates activity and reason from what is known.
    mutating func settle(_ index: Int) {
        balloons[index].lowerCeiling()
        let direction = direction(of: balloons[index])
        let legacy = legacyTargetReturned
        balloons[index].settle(direction: direction, extent: extent, legacyTargetReturned: legacy)
    }
}
