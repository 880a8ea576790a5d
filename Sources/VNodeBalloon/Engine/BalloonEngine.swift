internal import CBalloonShim
package import Logging

/// Controller, mover and state directory put together: used by the daemon, and by commands without one.
public final class BalloonEngine {
    public let guest: Guest
    let state: any StateKeeper
    private let clock: () -> Moment
    public internal(set) var controller: BalloonController
    /// What xenstore said last.
    public private(set) var reading = VNodeInterface.Reading()
    /// Where one balloon answers for several vnodes.
    private var shared: SharedBalloon?
    /// What xenstore said waits until that balloon was seen.
    private var isReadingWaiting = false
    let log: Logger
    var suspension: Suspension
    /// Xenstore shows a resume that the clocks may not show.
    var isResumeNoticed = false
    var lastResume: Moment?
    private var isLegacyTargetAbsent = false
    /// What was kept over the last restart could not be read: a daemon does not go on then.
    public private(set) var stateError: BalloonError?
    /// Everything is to be published again: the domain may have another xenstore now.
    public var wasResumed = false

    /// How far each vnode is known. Its memory does not move before it is known.
    var knowledge: [Int: Knowledge] = [:]
    /// Recoveries that failed, until one succeeds.
    var retries: [Int: Backoff] = [:]
    /// When the daemon next tries to take back extents that left a file.
    var lostRetries: [Int: Backoff] = [:]
    var failures = RepeatedFailures()
    var stepCounters: Counters
    /// What the domain should have, and whether all of that is known.
    var account: MemoryAccount?
    var isAccountComplete = false
    /// xenstore's memory/videoram.
    public var videoRAM: KiB?
    var isVideoUnknown = false
    /// This process may not ask Xen about frames.
    var isAccountImpossible = false

    /// Forced and released sizes that could not be written down, and why.
    var unkept: [Int: KiB?] = [:]
    var unkeptError: BalloonError?
    /// A step has moved memory since the loop reset this.
    var hasMoved = false

    /// What Linux's own balloon took back beside ours.
    package internal(set) var drift = Drift()

    /// Vnodes for which xenstore allows memory of other physical nodes, and those that have some.
    var allowedElsewhere: Set<Int> = []
    var haveElsewhere: Set<Int> = []

    /// When the nodes' pools are read again, and what of them was noted last.
    var poolLook = PoolLook()

    /// Vnodes whose file another program removed, and since when all of their memory is back.
    var removed: [Int: Moment?] = [:]
    /// A file that another program removed may be empty by now: ``checkFiles()`` is due.
    public internal(set) var wantsFileCheck = false

    /// - Parameters:
    ///   - state: the caller has its lock.
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

    /// The clock that decisions are made by.
    var now: Moment { clock() }
    /// The same clock, for commands.
    public static var now: Moment { Moment.now }

    /// Without a daemon xenstore's targets are shown, and only forced sizes move.
    public func followForcedOnly() { controller.setFollowsRequests(false) }

    public func setOptions(_ options: BalloonController.Options) {
        controller.options = options.with(guest.mover.steps)
        tellWhatYieldingLeaves()
    }

    /// A kernel that takes back by itself when memory is short leaves as much as we would.
    private func tellWhatYieldingLeaves() {
        for vnode in guest.mover.vnodes.map(\.number) {
            do throws(BalloonError) {
                try guest.mover.keep(vnode: vnode, size: controller.options.yielding?.leastBalloon ?? .zero)
            } catch {
                failures.log(log, "a shortage of memory may take more than yield-to leaves", error, now: now)
            }
        }
    }

    // MARK: What is wanted

    /// Takes in what xenstore says.
    public func take(_ reading: VNodeInterface.Reading) {
        if let before = self.reading.legacyTarget, let now = reading.legacyTarget, before != now,
            reading.hasTargets
        {
            log.error(
                "memory/target changed: Linux's own balloon moves beside ours; the toolstack should remove it",
                metadata: ["kib": "\(now)"])
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

    /// What was asked for while the size of the shared balloon was unknown applies once it is known.
    func takeWaitingRequests() {
        if isReadingWaiting && isAllKnown { takeRequests() }
    }

    private func joined(_ requests: [Int: TargetRequest]) -> [Int: TargetRequest] {
        guard shared != nil, let balloon = controller.states.first else { return requests }
        // A vnode without a target keeps its size, so its size has to be known first.
        isReadingWaiting = !isAllKnown
        guard !isReadingWaiting, let size = balloon.balloon, let sum = shared?.request(requests, balloon: size)
        else {
            return [:]
        }
        return [balloon.vnode.number: sum]
    }

    /// Everything is known of all vnodes.
    package var isAllKnown: Bool { guest.mover.vnodes.allSatisfy { isKnown($0.number) } }
    /// The domain was not suspended since it was.
    package var isUpToDate: Bool { !isResumeNoticed && !guest.figures.suspension().differs(from: suspension) }

    /// What is published in xenstore, vnode by vnode as the toolstack knows them.
    var told: [VNodeState] {
        guard let balloon = controller.states.first else { return [] }
        return shared?.states(of: balloon) ?? controller.states
    }

    // MARK: One step

    /// Does one bounded step, if one is due.
    /// - Returns: when to come again: nil when nothing is to be done until something changes.
    public func step() -> Moment? {
        let wasTold = wasResumed
        recoverAfterResume()
        // Targets that were read before the resume are out of date: they are read again first.
        if wasResumed && !wasTold { return now }
        let now = self.now
        let tidied = tidy(now)
        // What came back is freed before anything else moves.
        if tidied == now { return now }
        let retry = [retryRecovery(now), bringBackLost(now)].compactMap(\.self).min()
        let isRecovering = continueRecovery() || continueAccount()
        // Before memory moves: the size of the pool that an administrator wrote has to hold.
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
            // There may be memory now for what a pool lacks.
            if case .deflate = action { poolLook.tries.reset() }
            if let warning = guest.files?.takeWarning() {
                failures.log(log, "goes on without a note of it", warning, now: now)
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
                failures.log(log, "cannot ask for the reservation", error, now: now)
            }
        }
        if guest.mover.vnodes.contains(where: { controller.wantsMemoryFacts(of: $0.number, now: now) }) {
            facts.memory = memoryFacts(now)
        }
        return facts
    }

    /// Memory of the vnodes' nodes, nil when it cannot be read.
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
            // What an error left is audited anew: a stale size could equal the target, and be reported as reached. A
            // suspend is noticed by the loop.
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

    /// Whether nothing of ours is given, or waits to be freed; nil: not known.
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
