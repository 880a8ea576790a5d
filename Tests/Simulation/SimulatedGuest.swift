public import VNodeBalloon

/// A daemon in a simulated guest: the controller and the backend of the product over doubles, with the same loop.
public final class SimulatedGuest {
    public let machine: Machine
    public let intents: SimulatedIntents
    public private(set) var backend: PrivcmdBackend?
    public private(set) var controller: BalloonController
    private var now: UInt64 = 0
    private var targets: [Int: Int] = [:]
    /// Vnodes whose last step ended in an error: what they hold has to be found out anew.
    private var unsure: Set<Int> = []
    /// What the clocks said when everything was looked at last.
    private var suspended: UInt64 = 0

    public init(_ layout: Layout) {
        machine = Machine(layout)
        intents = SimulatedIntents(machine)
        controller = BalloonController(vnodes: layout.vnodes, granularityKiB: 2048)
    }

    /// What a simulation found wrong.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    private func check(_ what: @autoclosure () -> String) throws(Failure) {
        guard let violation = machine.violations.first else { return }
        throw failure("\(what()): \(violation)")
    }

    /// With what was done last, where that was traced.
    private func failure(_ what: String) -> Failure {
        Failure(description: ([what] + machine.trace.suffix(40)).joined(separator: "\n    "))
    }

    // MARK: The process

    private func start() throws(Failure) {
        machine.migrateUnpinned()
        try check("between two processes")
        machine.restart()
        let xen = SimulatedXen(machine)
        var reserves: [Int: any PageReserve] = [:]
        for vnode in machine.layout.vnodes { reserves[vnode.number] = SimulatedReserve(machine, vnode: vnode.number) }
        backend = try? PrivcmdBackend(
            vnodes: machine.layout.vnodes, hypervisor: xen, reserves: reserves, intents: intents)
        controller = BalloonController(vnodes: machine.layout.vnodes, granularityKiB: 2048)
        for (vnode, extents) in targets { controller.setRequest(.size(UInt64(extents) * 2048), vnode: vnode) }
        unsure = Set(machine.layout.pnodes.indices)
    }

    /// Finds out what is held of the vnodes that are unsure. False: the process was killed, or it has to wait.
    private func look() throws(Failure) -> Bool {
        if machine.isKilled || backend == nil { try start() }
        if suspended != machine.suspendedNanoseconds {
            suspended = machine.suspendedNanoseconds
            unsure = Set(machine.layout.pnodes.indices)
            controller.startAfresh()
        }
        for vnode in unsure.sorted() {
            guard let backend else { return false }
            do {
                controller.setBalloon(frames: try backend.recover(vnode: vnode), vnode: vnode)
                unsure.remove(vnode)
            } catch {
                try check("recovering vnode \(vnode)")
                now += Backoff.first
                return false
            }
            try check("recovered vnode \(vnode)")
        }
        return true
    }

    /// One turn of the daemon's loop.
    /// - Returns: false when there is nothing to do and nothing to wait for.
    private func turn() throws(Failure) -> Bool {
        guard try look(), let backend else { return true }
        for vnode in machine.layout.pnodes.indices where (try? backend.tidy(vnode: vnode)) == nil {
            unsure.insert(vnode)
            try check("tidying vnode \(vnode)")
            return true
        }
        var facts = BalloonController.Facts()
        for vnode in machine.layout.pnodes.indices {
            // Plenty: the guard has tests of its own.
            facts.memory?[vnode] = Guard.NodeMemory(
                managedKiB: 0, availableKiB: machine.freeKiB(vnode: vnode) + 64 * 1024, highWatermarksKiB: 0)
        }
        facts.currentReservation = machine.currentReservation
        facts.maximumReservation = machine.maximumReservation
        switch controller.next(facts, now: now) {
        case .wait(let due):
            guard let due else { return false }
            now = max(now + 1, due)
        case .act(let action):
            try act(action, backend)
        }
        return true
    }

    private func act(_ action: Action, _ backend: PrivcmdBackend) throws(Failure) {
        do {
            let outcome: Outcome
            switch action {
            case .inflate(let vnode, let extents): outcome = try backend.inflate(vnode: vnode, extents: extents)
            case .deflate(let vnode, let extents): outcome = try backend.deflate(vnode: vnode, extents: extents)
            }
            controller.finish(action, outcome, now: now)
        } catch {
            unsure.insert(action.vnode)
        }
        now += 1_000_000
        try check("\(action)")
    }

    // MARK: What happens

    public func run(decisions: Int) throws(Failure) {
        for _ in 0..<decisions where try !turn() { return }
    }

    public func happen(_ event: Schedule.Event) throws(Failure) {
        switch event {
        case .target(let vnode, let extents): setTarget(vnode, extents)
        case .run(let decisions): try run(decisions: decisions)
        case .fault(let after, let fault): machine.plan[machine.steps + after] = fault
        case .kill: machine.killNow()
        case .loseIntents: intents.loseQuiet()
        case .migrated(let returned): machine.migrate(returned)
        default: othersDo(event)
        }
        try check("\(event)")
    }

    private func othersDo(_ event: Schedule.Event) {
        switch event {
        case .hostTakes(let pnode, let frames): machine.hostTakes(UInt64(frames), pnode: pnode)
        case .fragment(let pnode, let isFragmented): machine.isFragmented[pnode] = isFragmented
        case .maximum(let above):
            machine.maximumReservation = UInt64(max(0, Int(machine.currentReservation) + above))
        case .reference(let vnode, let every): machine.reference(vnode: vnode, every: every)
        case .stick(let vnode, let blocks, let frame): machine.stick(vnode: vnode, blocks: blocks, frame: frame)
        case .hog(let vnode, let blocks): machine.hog(vnode: vnode, blocks: blocks)
        case .unhog(let vnode): machine.unhog(vnode: vnode)
        case .changePool(let vnode, let pages):
            // What a killed process left in the pool cannot be told from what others add before the next one looks.
            if !machine.isKilled && unsure.isEmpty { machine.changePool(vnode: vnode, by: pages) }
        case .usePool(let vnode, let pages): machine.usePool(vnode: vnode, pages: pages)
        case .unusePool(let vnode): machine.unusePool(vnode: vnode)
        case .logDirty(let isOn): machine.isLogDirty = isOn
        default: break
        }
    }

    private func setTarget(_ vnode: Int, _ extents: Int) {
        targets[vnode] = extents
        controller.setRequest(.size(UInt64(extents) * 2048), vnode: vnode)
    }

    // MARK: The end

    /// Nothing goes wrong any more, and what others took they give back.
    private func calm(_ start: Machine.Fingerprint) throws(Failure) {
        machine.calm()
        machine.maximumReservation = start.reservation + 256
        for _ in 0..<10 where try look() {
            machine.restorePools()
            return
        }
        throw failure("does not recover")
    }

    private func settle(at goals: [Int]) throws(Failure) {
        for (vnode, extents) in goals.enumerated() { setTarget(vnode, extents) }
        var decisions = 0
        while try turn() {
            decisions += 1
            if decisions > 3_000 { throw failure("does not settle at \(goals): \(controller.states)") }
        }
        machine.audit()
        try check("settled at \(goals)")
        for (vnode, extents) in goals.enumerated() {
            let (state, held) = (controller.states[vnode], machine.holes(vnode: vnode))
            guard state.activity == .idle, state.balloonFrames == held, held == UInt64(extents) * 512 else {
                throw failure("vnode \(vnode) holds \(held) frames for \(extents) extents: \(state)")
            }
            let slots = 0..<machine.slotCount(vnode: vnode)
            let findings = try? backend?.audit(vnode: vnode, slots: slots, everyFrame: true)
            guard findings == [] else { throw failure("the audit finds \(findings ?? [])") }
        }
    }

    /// Plays a schedule to its end: nothing is ever corrupted, and once all is calm every balloon reaches its target,
    /// and all is as at the start once they are gone.
    public static func play(_ schedule: Schedule, isTracing: Bool = false) throws(Failure) {
        let guest = SimulatedGuest(schedule.layout)
        guest.machine.isTracing = isTracing
        let start = guest.machine.fingerprint
        for event in schedule.events { try guest.happen(event) }
        try guest.calm(start)
        try guest.settle(at: schedule.goals)
        try guest.settle(at: schedule.goals.map { _ in 0 })
        // A pool may have had no room while the balloon was large.
        guest.machine.restorePools()
        let end = guest.machine.fingerprint
        if end != start { throw guest.failure("not as at the start: \(end), was \(start)") }
    }
}
