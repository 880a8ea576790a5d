/// Decides what each vnode's balloon does next.
///
/// It is pure. The caller tells it the facts, asks it for one bounded step, and tells it the outcome. It makes no calls
/// and has no clock: whoever asks it says what time it is.
public struct BalloonController: Sendable {
    public var options: Options {
        didSet { takeOptions() }
    }
    let extent: KiB
    var balloons: [Balloon]
    /// memory/target came back after it had been away.
    public private(set) var legacyTargetReturned = false
    private var lastActed = -1
    private var rateDue: Moment = .zero

    /// One vnode's balloon and what is planned for it.
    struct Balloon: Sendable {
        var state: VNodeState
        var request: TargetRequest = .absent
        var backoff = Backoff()
        /// Why the last try failed, until one succeeds.
        var obstacle: HeldReason?
        /// The last try has not ended: Linux's own balloon is on its way to the size that it was told.
        var isTrying = false
        /// xenstore's request counts. Without a daemon only forced sizes do.
        var followsRequest = true
        /// Its file was removed.
        var isRemoved = false
        /// The most that the configuration's floor lets it have.
        var mostFrames: Frames = .max
        /// What memory pressure left it.
        var ceiling: Ceiling?
        /// More is asked for than it may have.
        var isLimited = false
        /// Why the balloon is unknown, until it is known.
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

    // MARK: What it is told

    /// What xenstore asks for. A new request starts afresh at once.
    public mutating func setRequest(_ request: TargetRequest, vnode: Int) {
        update(vnode) { balloon in
            guard balloon.request != request else { return }
            balloon.request = request
            balloon.startAfresh()
        }
    }

    /// Whether xenstore's requests are followed, or only shown.
    public mutating func setFollowsRequests(_ follows: Bool) {
        for index in balloons.indices {
            balloons[index].followsRequest = follows
            settle(index)
        }
    }

    /// A size that an administrator wants whatever xenstore says; nil releases it.
    public mutating func setForced(_ size: KiB?, vnode: Int) {
        let rounded = size?.roundedDown(to: extent)
        update(vnode) { balloon in
            guard balloon.state.forced != rounded else { return }
            balloon.state.forced = rounded
            balloon.startAfresh()
        }
    }

    /// The balloon as an audit found it.
    /// - Parameter lost: what cannot be taken back, and is not part of it.
    public mutating func setBalloon(frames: Frames, lost: KiB = .zero, vnode: Int) {
        update(vnode) { balloon in
            // The obstacle is gone.
            if balloon.isTrying && balloon.state.balloonFrames != frames { balloon.obstacle = nil }
            balloon.state.balloonFrames = frames
            balloon.state.lost = lost
            if balloon.unknown != nil { (balloon.state.detail, balloon.state.audited) = (nil, nil) }
            balloon.unknown = nil
        }
    }

    /// Nothing is known of the vnode's balloon: it is held until ``setBalloon(frames:lost:vnode:)`` tells what it has.
    /// - Parameters:
    ///   - detail: what stands in the way; nil while it is being audited.
    ///   - audited: how far that is.
    public mutating func setUnknown(
        _ reason: HeldReason, detail: String? = nil, audited: AuditedExtents? = nil, vnode: Int
    ) {
        update(vnode) { balloon in
            balloon.unknown = reason
            balloon.state.balloonFrames = nil
            (balloon.state.detail, balloon.state.audited) = (detail, audited)
        }
    }

    /// The vnode's file was removed: all of its balloon comes back, and none is given until it has a new file.
    public mutating func setRemoved(_ isRemoved: Bool, vnode: Int) {
        update(vnode) { balloon in
            guard balloon.isRemoved != isRemoved else { return }
            balloon.isRemoved = isRemoved
            balloon.startAfresh()
        }
    }

    /// memory/target is back after an absence: what is given stays given, but no more is.
    public mutating func setLegacyTargetReturned(_ returned: Bool) {
        guard returned != legacyTargetReturned else { return }
        legacyTargetReturned = returned
        for index in balloons.indices {
            balloons[index].startAfresh()
            settle(index)
        }
    }

    /// After a resume: what failed before is tried again at once.
    public mutating func startAfresh() {
        for index in balloons.indices {
            balloons[index].startAfresh()
            settle(index)
        }
    }

    /// What came of an action.
    public mutating func finish(_ action: Action, _ outcome: Outcome, now: Moment) {
        update(action.vnode) { balloon in
            let moved = balloon.state.balloonFrames != outcome.balloonFrames
            balloon.isTrying = outcome.pause != nil
            balloon.state.balloonFrames = outcome.balloonFrames
            // An audit comes next. The obstacle may still be there.
            if outcome.balloonFrames == nil {
                // The reason why that audit cannot be done was set already.
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
            // A second for each KiB, at so many MiB a second.
            rateDue = now + .seconds((extent * UInt64(extents)).count) / KiB.mib(1).count / options.maxRateMiB
        }
    }

    // MARK: What it is asked

    /// Whether a decision needs to know the memory of this vnode's node.
    public func wantsMemoryFacts(of vnode: Int, now: Moment) -> Bool {
        guard let balloon = balloons.first(where: { $0.state.vnode.number == vnode }) else { return false }
        if balloon.isHeldByPressure && balloon.isCeilingDue(now: now) { return true }
        return direction(of: balloon) == .inflating && balloon.backoff.isDue(now: now)
    }

    /// Whether a decision needs to know the reservations: only where one vnode may give and another take.
    public func wantsReservations(now: Moment) -> Bool {
        let moving = balloons.filter { $0.backoff.isDue(now: now) }.map { direction(of: $0) }
        guard moving.contains(.deflating) else { return false }
        // What memory pressure holds may inflate as soon as its ceiling is lifted.
        return moving.contains(.inflating) || balloons.contains(where: \.isHeldByPressure)
    }

    /// The next step, if one is due. What keeps a vnode from moving is noted in its state.
    public mutating func next(_ facts: Facts, now: Moment) -> Decision {
        var chosen: Action?
        // The vnode behind the one that moved last comes first, so that none waits for another's long way.
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

    /// When a vnode that does not move now is looked at again.
    private func due(of balloon: Balloon, now: Moment) -> Moment? {
        let earliest = now < rateDue && !balloon.isUrgent ? rateDue : nil
        if direction(of: balloon) != nil {
            return earliest.map { max($0, balloon.backoff.due ?? .zero) } ?? balloon.backoff.due
        }
        guard balloon.isHeldByPressure, let ceiling = balloon.ceiling else { return nil }
        return max(ceiling.due, earliest ?? .zero)
    }

    /// Something may move although it says `held`: what was in the way is being tried again.
    public var isTrying: Bool { balloons.contains { $0.isTrying && direction(of: $0) != nil } }

    func direction(of balloon: Balloon) -> VNodeActivity? {
        balloon.direction(extent, inflating: !legacyTargetReturned)
    }

    /// Xen refuses to populate above the maximum: there, giving makes room for taking.
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
        // If the node's memory cannot be read, the guard assumes it is short.
        guard let nodes = facts.memory else { return hold(index, .guard, now: now) }
        guard let memory = nodes[vnode] else { return hold(index, .noNode, now: now) }
        let allowed = options.guardRule.extents(on: memory, extent: extent)
        guard allowed > 0 else { return hold(index, .guard, now: now) }
        return .inflate(vnode: vnode, extents: min(distance, allowed, options.inflateExtents, stepExtents))
    }

    /// A step moves at most what the rate allows in a second, so another vnode or a new target waits no longer than
    /// that.
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

    /// Brings activity and reason in line with what is known.
    mutating func settle(_ index: Int) {
        balloons[index].lowerCeiling()
        let direction = direction(of: balloons[index])
        let legacy = legacyTargetReturned
        balloons[index].settle(direction: direction, extent: extent, legacyTargetReturned: legacy)
    }
}
