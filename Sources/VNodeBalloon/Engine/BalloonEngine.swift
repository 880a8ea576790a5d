internal import CBalloonShim
package import Logging

/// Puts controller, mover and state directory together: for the daemon, and for commands without one.
public final class BalloonEngine {
    public let guest: Guest
    let state: any StateKeeper
    private let clock: () -> Moment
    public internal(set) var controller: BalloonController
    /// What xenstore said last.
    public private(set) var reading = VNodeInterface.Reading()
    /// Present where one balloon answers for several vnodes.
    private var shared: SharedBalloon?
    /// The requests in `reading` wait until the size of that balloon is known.
    private var isReadingWaiting = false
    let log: Logger
    var suspension: Suspension
    /// Xenstore shows a resume that the clocks may not show.
    var isResumeNoticed = false
    var lastResume: Moment?
    private var isLegacyTargetAbsent = false
    /// The error from reading what the last process wrote down. With it a daemon does not go on.
    public private(set) var stateError: BalloonError?
    /// Everything must be published again, because the domain may have another xenstore now.
    public var wasResumed = false

    /// What is known of each vnode. A vnode does not move before it is known.
    var knowledge: [Int: Knowledge] = [:]
    /// The back-offs of vnodes whose recovery failed, until one succeeds.
    var retries: [Int: Backoff] = [:]
    /// The back-offs of tries to bring back extents that left a file.
    var lostRetries: [Int: Backoff] = [:]
    var failures = RepeatedFailures()
    var stepCounters: Counters
    /// How much memory the domain should have, and whether all of that is known.
    var account: MemoryAccount?
    var isAccountComplete = false
    /// xenstore's memory/videoram.
    public var videoRAM: KiB?
    var isVideoUnknown = false
    /// privcmd is locked, so this process may not ask Xen about frames.
    var isAccountImpossible = false

    /// Forced and released sizes that could not be written down, and why.
    var unkept: [Int: KiB?] = [:]
    var unkeptError: BalloonError?
    /// Whether a step was done since the loop last read this.
    var hasMoved = false

    /// What Linux's own balloon took back beside ours.
    package internal(set) var drift = Drift()

    /// The vnodes for which xenstore allows memory of other physical nodes, and those that have some.
    var allowedElsewhere: Set<Int> = []
    var haveElsewhere: Set<Int> = []

    /// When the nodes' pools are read again, and what was last logged and noted about them.
    var poolLook = PoolLook()

    /// The vnodes whose file another program removed, with the time since which all of their memory is back.
    var removed: [Int: Moment?] = [:]
    /// A file that another program removed may be empty by now: ``checkFiles()`` is due.
    public internal(set) var wantsFileCheck = false

    /// - Parameters:
    ///   - state: the caller must have its lock.
    ///   - clock: one that does not go back.
    package init(
        guest: Guest, state: any StateKeeper, options: BalloonController.Options, log: Logger,
        clock: @escaping () -> Moment = { .now }
    ) {
        self.guest = guest
        self.state = state
        self.log = log
        self.clock = clock
        suspension = guest.figures.suspension()
        stepCounters = Counters(vnodes: guest.mover.vnodes.map(\.number))
        let mover = guest.mover
        controller = BalloonController(
            vnodes: mover.vnodes, granularity: mover.granularity, options: options.with(mover.steps))
        if mover.vnodes.count == 1, mover.domainVNodes.count > 1 {
            shared = SharedBalloon(
                mover.domainVNodes, limit: mover.vnodes[0].size, granularity: mover.granularity)
        }
        do throws(BalloonError) {
            isLegacyTargetAbsent = try state.wasLegacyTargetAbsent()
            for (vnode, size) in try state.forced() { controller.setForced(size, vnode: vnode) }
        } catch {
            stateError = error
        }
        tellWhatYieldingLeaves()
    }

    /// The time by the clock that decisions go by.
    var now: Moment { clock() }
    /// The same clock, for commands.
    public static var now: Moment { Moment.now }

    /// For a command without a daemon: xenstore's targets are shown, and only forced sizes move.
    public func followForcedOnly() { controller.setFollowsRequests(false) }

    public func setOptions(_ options: BalloonController.Options) {
        controller.options = options.with(guest.mover.steps)
        tellWhatYieldingLeaves()
    }

    /// Tells a kernel that takes memory back by itself in a shortage to leave as much in the balloon as we would.
    private func tellWhatYieldingLeaves() {
        for vnode in guest.mover.vnodes.map(\.number) {
            do throws(BalloonError) {
                try guest.mover.keep(vnode: vnode, size: controller.options.yielding?.leastBalloon ?? .zero)
            } catch {
                failures.log(log, "the kernel may take more than yield-to allows under pressure", error, now: now)
            }
        }
    }

    // MARK: What is wanted

    /// Takes in what was read from xenstore.
    public func take(_ reading: VNodeInterface.Reading) {
        if let before = self.reading.legacyTarget, let now = reading.legacyTarget, before != now,
            reading.hasTargets
        {
            log.error(
                "memory/target changed: Linux's own balloon moves beside ours; the toolstack should remove it",
                metadata: .of(.otherBalloon, ["kib": "\(now)"]))
        }
        // The first reading is no change.
        if let before = self.reading.legacyTarget, before != reading.legacyTarget { drift.expect(now: now) }
        self.reading = reading
        takeRequests()
        takeAllowance(reading.mayTakeElsewhere)
        if !reading.hasLegacyTarget && !isLegacyTargetAbsent {
            isLegacyTargetAbsent = true
            noteLegacyTargetAbsent()
        }
        let isBack = reading.hasLegacyTarget && isLegacyTargetAbsent
        if isBack && !controller.legacyTargetReturned {
            log.warning("memory/target is back: no more memory is given until it is gone")
        }
        controller.setLegacyTargetReturned(isBack)
    }

    private func takeRequests() {
        for (vnode, request) in joined(reading.requests) { controller.setRequest(request, vnode: vnode) }
    }

    /// Requests that came while the size of the shared balloon was not known count from when it is.
    func takeWaitingRequests() {
        if isReadingWaiting && isAllKnown { takeRequests() }
    }

    private func joined(_ requests: [Int: TargetRequest]) -> [Int: TargetRequest] {
        guard shared != nil, let balloon = controller.states.first else { return requests }
        // A vnode without a request keeps what it has given. While the size of the shared balloon is unknown, it would
        // lose that.
        isReadingWaiting = !isAllKnown
        guard !isReadingWaiting, let size = balloon.balloon, let sum = shared?.request(requests, balloon: size)
        else {
            return [:]
        }
        return [balloon.vnode.number: sum]
    }

    /// Whether all vnodes are known.
    package var isAllKnown: Bool { guest.mover.vnodes.allSatisfy { isKnown($0.number) } }
    /// Whether the domain was not suspended since the vnodes became known.
    package var isUpToDate: Bool { !isResumeNoticed && !guest.figures.suspension().differs(from: suspension) }

    /// The states that are published in xenstore, for the vnodes that the toolstack knows.
    var told: [VNodeState] {
        guard let balloon = controller.states.first else { return [] }
        return shared?.states(of: balloon) ?? controller.states
    }

    // MARK: One step

    /// Does one bounded step, if one is due.
    /// - Returns: when to come again; nil: only once something changes.
    public func step() -> Moment? {
        let wasTold = wasResumed
        recoverAfterResume()
        // Targets from before the resume are void, so the loop reads them first.
        if wasResumed && !wasTold { return now }
        let now = self.now
        let tidied = tidy(now)
        // Slots that became RAM are freed before anything else moves.
        if tidied == now { return now }
        let retry = [retryRecovery(now), bringBackLost(now)].compactMap(\.self).min()
        let isRecovering = continueRecovery() || continueAccount()
        // The pools are read before anything of ours moves, so that an administrator's new number counts.
        let pools = lookAtPools(now)
        if guest.mover.isMovedByOthers { takeBalloons() }
        switch controller.next(facts(now), now: now) {
        case .wait(let until):
            restIfIdle()
            return [isRecovering ? now : nil, until, tidied, retry, pools].compactMap(\.self).min()
        case .act(let action):
            finish(action)
            noteElsewhere(action.vnode)
            hasMoved = true
            // There may be memory now for the pages that a pool lacks.
            if case .deflate = action { poolLook.tries.reset() }
            if let warning = guest.files?.takeWarning() {
                failures.log(log, "the move goes on, but could not be noted", warning, now: now)
            }
            if removed[action.vnode] != nil { wantsFileCheck = true }
            return now
        }
    }

    private func facts(_ now: Moment) -> BalloonController.Facts {
        var facts = BalloonController.Facts()
        if controller.wantsReservations(now: now) {
            do throws(BalloonError) {
                facts.currentReservation = try guest.figures.currentReservation()
                facts.maximumReservation = try guest.figures.maximumReservation()
            } catch {
                failures.log(log, "cannot read the domain's reservation", error, now: now)
            }
        }
        if guest.mover.vnodes.contains(where: { controller.wantsMemoryFacts(of: $0.number, now: now) }) {
            facts.memory = memoryFacts(now)
        }
        return facts
    }

    /// The memory of the vnodes' nodes; nil: it cannot be read.
    func memoryFacts(_ now: Moment) -> [Int: NodeMemory]? {
        do throws(BalloonError) { return try guest.memoryFacts() } catch {
            failures.log(log, "cannot read the nodes' memory", error, now: now)
            return nil
        }
    }

    func perform(_ action: Action) -> Outcome {
        let begin = self.now
        defer { log.info("\(action)", metadata: ["microseconds": "\((now - begin).wholeMicroseconds)"]) }
        do throws(BalloonError) {
            let outcome =
                switch action {
                case .inflate(let vnode, let extents): try guest.mover.inflate(vnode: vnode, extents: extents)
                case .deflate(let vnode, let extents): try guest.mover.deflate(vnode: vnode, extents: extents)
                }
            if let obstacle = outcome.obstacle {
                log.info("did less than asked", metadata: ["action": "\(action)", "reason": "\(obstacle.rawValue)"])
            }
            return outcome
        } catch {
            let isFault = error.code != .suspended
            if isFault { failures.count(error) }
            log.log(
                level: isFault ? .error : .notice, "step failed",
                metadata: ["action": "\(action)", "error": "\(error)"])
            // Audits what an error left in doubt: a stale size could equal the target and be reported as reached. The
            // loop notices a suspend by itself.
            beginAudit(action.vnode, isFault ? .doubts : .frames)
            return Outcome(balloonFrames: nil, obstacle: obstacle(error))
        }
    }

    func obstacle(_ error: BalloonError) -> HeldReason? {
        switch error.code {
        case .suspended: nil
        case .moved: .moved
        case .descriptors: .descriptors
        case .fileSize: .fileSize
        case .cpuset: .cpuset
        case .cgroup: .cgroup
        case .hypercall, .privcmdLocked: .hypervisorRefused
        case .looking: .looking
        case .busy, .environment: .holder
        default: .failed
        }
    }

    /// Whether no memory of ours is given or waits to be freed; nil: not known.
    public var isEmpty: Bool? {
        var all: Bool? = true
        for vnode in guest.mover.vnodes {
            switch guest.mover.isEmpty(vnode: vnode.number) {
            case true?: continue
            case false?: return false
            case nil: all = nil
            }
        }
        return all
    }
}
