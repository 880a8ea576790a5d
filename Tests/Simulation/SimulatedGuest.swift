import Logging
public import VNodeBalloon

/// A daemon in a simulated guest: the interface, the controller and the backend of the product over doubles, with the
/// same loop.
public final class SimulatedGuest {
    public let machine: Machine
    public let intents: SimulatedIntents
    public let store: SimulatedStore
    public private(set) var backend: PrivcmdBackend?
    public private(set) var controller: BalloonController
    private var interface: VNodeInterface?
    var now: UInt64 = 0
    /// When everything in the store is read again, and when it was written to last: an event may be lost.
    private var rereading = RereadTimer()
    private var lastRead: UInt64 = 0
    private var lastTarget: UInt64 = 0
    /// Vnodes whose last step ended in an error: what they hold has to be found out anew.
    /// What the clocks said when everything was looked at last.
    private var suspended: UInt64 = 0
    var unsure: Set<Int> = []
    /// Vnodes whose file somebody removed.
    private var removed: Set<Int> = []

    public init(_ schedule: Schedule) {
        machine = Machine(schedule.layout)
        intents = SimulatedIntents(machine)
        store = SimulatedStore(machine)
        controller = BalloonController(vnodes: schedule.layout.vnodes, granularityKiB: 2048)
        if schedule.isPrepared { prepare() }
    }

    /// The rows that a toolstack makes.
    private func prepare() {
        store.make("control/feature-balloon-vnode", isGuests: true)
        for vnode in machine.layout.vnodes {
            let directory = "memory/vnode\(vnode.number)"
            store.make(directory + "/size", "\(vnode.sizeKiB)")
            for name in ["target", "size", "state", "reason", "granularity"] {
                store.make(directory + "/balloon-\(name)", isGuests: true)
            }
        }
    }

    /// What a simulation found wrong.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    func check(_ what: @autoclosure () -> String) throws(Failure) {
        guard let violation = machine.violations.first else { return }
        throw failure("\(what()): \(violation)")
    }

    /// With what was done last, where that was traced.
    func failure(_ what: String) -> Failure {
        Failure(description: ([what] + machine.trace.suffix(40)).joined(separator: "\n    "))
    }

    // MARK: The process

    private func start() throws(Failure) {
        machine.migrateUnpinned()
        try check("between two processes")
        machine.restart()
        store.disconnect()
        interface = nil
        let xen = SimulatedXen(machine)
        var reserves: [Int: any PageReserve] = [:]
        for vnode in machine.layout.vnodes { reserves[vnode.number] = SimulatedReserve(machine, vnode: vnode.number) }
        backend = try? PrivcmdBackend(
            vnodes: machine.layout.vnodes, hypervisor: xen, reserves: reserves, intents: intents)
        controller = BalloonController(vnodes: machine.layout.vnodes, granularityKiB: 2048)
        unsure = Set(machine.layout.pnodes.indices)
        removed = []
        rereading.come(by: now)
    }

    /// Finds out what is held of the vnodes that are unsure. False: the process was killed, or it has to wait.
    func look() throws(Failure) -> Bool {
        if machine.isKilled || backend == nil { try start() }
        if suspended != machine.suspendedNanoseconds {
            suspended = machine.suspendedNanoseconds
            unsure = Set(machine.layout.pnodes.indices)
            controller.startAfresh()
        }
        guard let backend else { return false }
        let before = unsure
        for vnode in before.sorted() {
            if (try? backend.recover(vnode: vnode)) != nil {
                unsure.remove(vnode)
            } else {
                // The others go on, as far as they can.
                controller.setUnknown(.moved, vnode: vnode)
                if machine.isKilled { break }
            }
            try check("looking at vnode \(vnode)")
        }
        if !before.isEmpty { takeBalloons(backend) }
        if unsure.isEmpty { return true }
        now += Backoff.first
        return false
    }

    private func takeBalloons(_ backend: PrivcmdBackend) {
        for vnode in machine.layout.pnodes.indices where !unsure.contains(vnode) {
            controller.setBalloon(frames: backend.balloonFrames(vnode: vnode), vnode: vnode)
        }
    }

    /// One turn of the daemon's loop.
    /// - Returns: false when there is nothing to do and nothing to wait for.
    func turn() throws(Failure) -> Bool {
        guard try look(), let backend else { return true }
        for vnode in machine.layout.pnodes.indices where (try? backend.tidy(vnode: vnode)) == nil {
            unsure.insert(vnode)
            try check("tidying vnode \(vnode)")
            return true
        }
        checkFiles(backend)
        let isTold = store.hasEvents && takeEvents()
        let isDue = rereading.isDue(now: now, isAwake: false)
        if isTold || isDue { reread(backend, everything: isDue) }
        let decision = controller.next(facts(), now: now)
        if case .act(let action) = decision {
            try act(action, backend)
            _ = try? interface?.publish(controller.states, now: now)
            return true
        }
        let publish = publish()
        guard case .wait(let due) = decision else { return true }
        let isRead = lastRead >= lastTarget && interface != nil && !store.hasEvents && hasPublished
        if due == nil && publish == nil && isRead && !machine.isKilled { return false }
        now = max(now + 1, min(due ?? .max, publish ?? .max, rereading.due))
        return true
    }

    /// When to publish next. A store that is down is tried again a second later; without a connection, at the next read.
    private func publish() -> UInt64? {
        guard let interface else { return nil }
        do throws(BalloonError) { return try interface.publish(controller.states, now: now) } catch {
            return now + Backoff.first
        }
    }

    /// Whether the store says what is.
    private var hasPublished: Bool {
        controller.states.allSatisfy { row($0.vnode.number, "state") == $0.activity.rawValue }
    }

    func row(_ vnode: Int, _ name: String) -> String? {
        let directory = interface?.isFallback == false ? "memory" : "data/balloon-vnode"
        return store["\(directory)/vnode\(vnode)/balloon-\(name)"]
    }

    private func facts() -> BalloonController.Facts {
        var facts = BalloonController.Facts()
        for vnode in machine.layout.pnodes.indices {
            // Plenty: the guard has tests of its own.
            facts.memory?[vnode] = Guard.NodeMemory(
                managedKiB: 0, availableKiB: machine.freeKiB(vnode: vnode) + 64 * 1024, highWatermarksKiB: 0)
        }
        facts.currentReservation = machine.currentReservation
        facts.maximumReservation = machine.maximumReservation
        return facts
    }

    /// Nothing happened since everything was looked at.
    var hasLooked: Bool { !machine.isKilled && unsure.isEmpty && suspended == machine.suspendedNanoseconds }

    private func act(_ action: Action, _ backend: PrivcmdBackend) throws(Failure) {
        let before = (backend.balloonFrames(vnode: action.vnode), machine.currentReservation)
        do {
            let outcome: Outcome
            switch action {
            case .inflate(let vnode, let extents): outcome = try backend.inflate(vnode: vnode, extents: extents)
            case .deflate(let vnode, let extents): outcome = try backend.deflate(vnode: vnode, extents: extents)
            }
            controller.finish(action, outcome, now: now)
            // What is said to be given, Xen has.
            if outcome.obstacle == nil, hasLooked,
                outcome.balloonFrames + machine.currentReservation > before.0 + before.1
            {
                machine.violate("the balloon grew, and the domain has as much as before")
            }
        } catch {
            unsure.insert(action.vnode)
        }
        now += 1_000_000
        try check("\(action)")
    }

    // MARK: The store and the files

    private func takeEvents() -> Bool { (try? interface?.takeEvents()) ?? true }

    /// As the daemon does it: what fails is tried again a second later, with a new connection.
    private func reread(_ backend: PrivcmdBackend, everything: Bool) {
        if everything { rereading.begin(now: now) }
        do throws(BalloonError) {
            if interface == nil {
                let silent = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
                interface = try VNodeInterface(store, backend: backend, log: silent)
            }
            guard let reading = try interface?.read(everything: everything) else { return }
            for (vnode, request) in reading.requests { controller.setRequest(request, vnode: vnode) }
            // Events bring what they name, and some are lost.
            if everything { lastRead = now }
        } catch {
            store.disconnect()
            interface = nil
            rereading.failed(now: now)
        }
    }

    /// The kernel tells at once when a file's name is gone.
    private func checkFiles(_ backend: PrivcmdBackend) {
        for vnode in machine.layout.pnodes.indices
        where machine.nodes[vnode].fileName != .ours || removed.contains(vnode) {
            guard let file = try? backend.file(vnode: vnode) else { continue }
            controller.setRemoved(file == .removed, vnode: vnode)
            if file == .removed { removed.insert(vnode) } else { removed.remove(vnode) }
            guard file == .removed, backend.slotCount(vnode: vnode) == 0 else { continue }
            if (try? backend.renewFile(vnode: vnode)) != nil {
                controller.setRemoved(false, vnode: vnode)
                removed.remove(vnode)
            } else {
                unsure.insert(vnode)
            }
        }
    }

    func setTarget(_ vnode: Int, _ extents: Int) {
        now += 1
        lastTarget = now
        store.make("memory/vnode\(vnode)/target-balloon-size", "\(extents * 2048)")
    }
}
