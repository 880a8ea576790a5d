import Logging
import VNodeBalloon

/// A daemon in a simulated guest: the product's own loop, engine and mover over doubles of what is around them.
public final class SimulatedGuest {
    public let machine: Machine
    public let intents: SimulatedIntents
    public let displaced: SimulatedDisplaced
    public let store: SimulatedStore
    let requests = SimulatedRequests()
    private let state: SimulatedState
    private let isPrepared: Bool
    /// nil while no process runs.
    private(set) var loop: BalloonLoop?
    private(set) var backend: PrivcmdMover?

    public init(_ schedule: Schedule) {
        machine = Machine(schedule.layout)
        intents = SimulatedIntents(machine)
        displaced = SimulatedDisplaced(machine)
        store = SimulatedStore(machine)
        state = SimulatedState(machine)
        isPrepared = schedule.isPrepared
        machine.holder.isStored = true
        if isPrepared { prepare() }
        if schedule.allowsElsewhere {
            for vnode in schedule.layout.pnodes.indices { store.make("memory/vnode\(vnode)/allow-other-pnode", "1") }
        }
    }

    /// The rows that a toolstack makes.
    private func prepare() {
        store.make("control/feature-balloon-vnode", isGuests: true)
        for vnode in machine.layout.vnodes {
            let directory = "memory/vnode\(vnode.number)"
            store.make(directory + "/size", "\(vnode.size)")
            for name in ["target", "size", "state", "reason", "granularity", "short"] {
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

    /// A service manager starts it again after so long. Nanoseconds.
    private static let restartPause: Interval = .seconds(5)

    private func start() throws(Failure) {
        machine.migrateUnpinned()
        try check("between two processes")
        machine.restart()
        store.disconnect()
        do throws(BalloonError) {
            let loop = try makeLoop()
            loop.start()
            self.loop = loop
        } catch {
            // As a daemon does that cannot reach xenstore.
            machine.clock += Self.restartPause
        }
    }

    private func makeLoop() throws(BalloonError) -> BalloonLoop {
        let layout = machine.layout
        let keeper = HolderClient(SimulatedHolderAccess(machine))
        let xen = SimulatedXen(machine)
        var reserves: [Int: any PageReserve] = [:]
        for vnode in layout.vnodes {
            reserves[vnode.number] = PinnedPages(
                vnode: vnode.number, node: vnode.linuxNode, SimulatedPages(machine, vnode: vnode.number), keeper: keeper
            )
        }
        let backend = try PrivcmdMover(
            vnodes: layout.vnodes, hypervisor: xen, reserves: reserves, intents: intents, displaced: displaced)
        self.backend = backend
        let silent = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        let (machine, store) = (machine, store)
        let guest = Guest(
            kind: .pvh, figures: xen, mover: backend, firmware: layout.firmwareMap,
            memory: { () throws(BalloonError) in machine.nodeMemory }, rest: { machine.clock += $0 })
        let engine = BalloonEngine(guest: guest, state: state, options: .init(), log: silent, clock: { machine.clock })
        let surroundings = BalloonLoop.Surroundings(
            store: store, openStore: { () throws(BalloonError) in store.reconnected() },
            keeper: keeper, requests: requests, events: SimulatedEvents(machine, store),
            process: SimulatedProcess(), reload: { () throws(BalloonError) in Configuration() })
        return try BalloonLoop(engine, surroundings, log: silent)
    }

    /// One turn of the daemon's loop; the start of a process, where none runs.
    func turn() throws(Failure) {
        guard let loop, !machine.isKilled else {
            self.loop = nil
            return try start()
        }
        let before = sum
        do throws(BalloonError) { try loop.turn() } catch { self.loop = nil }
        if machine.isKilled { self.loop = nil }
        // What is said to be given, Xen has.
        if let before, let after = sum, after > before {
            machine.violate("I12: the balloons grew, and the domain has as much as before")
        }
        try checkKnowledge()
        try check("a turn")
    }

    /// What the domain and its balloons have together; nil where it may rise by itself.
    private var sum: UInt64? {
        // What left a file is no part of a balloon, and comes back as far as the maximum reservation lets it.
        guard hasLooked, machine.hasNoForeignCharge, machine.lost.isEmpty, let backend else { return nil }
        return machine.layout.vnodes.reduce(machine.currentReservation) { sum, vnode in
            sum + (backend.balloonFrames(vnode: vnode.number) ?? .zero).count
        }
    }

    /// Whoever knows nothing says nothing; who says something says what is.
    private func checkKnowledge() throws(Failure) {
        guard let loop, let backend else { return }
        for state in loop.engine.controller.states {
            let vnode = state.vnode.number
            let isKnown = backend.balloonFrames(vnode: vnode) != nil
            if !isKnown && state.balloonFrames != nil {
                machine.violate("I7: a size of vnode \(vnode) that nobody knows")
            }
            if !isKnown && loop.engine.isEmpty == true { machine.violate("I7: empty, though nobody knows") }
        }
    }

    /// Everything is known, and nothing happened since.
    var hasLooked: Bool {
        guard let loop, !machine.isKilled else { return false }
        return loop.engine.isAllKnown && loop.engine.isUpToDate
    }

    func row(_ vnode: Int, _ name: String) -> String? {
        store["\(isPrepared ? "memory" : "data/balloon-vnode")/vnode\(vnode)/balloon-\(name)"]
    }

    func setTarget(_ vnode: Int, _ extents: Int) {
        machine.clock += 1
        store.make("memory/vnode\(vnode)/target-balloon-size", "\(extents * 2048)")
    }
}
