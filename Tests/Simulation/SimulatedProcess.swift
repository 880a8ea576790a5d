import VNodeBalloon

/// What the state directory keeps when the daemon is restarted.
final class SimulatedState: StateKeeper {
    private let machine: Machine
    private var sizes: [Int: KiB] = [:]
    private var wasAbsent = false

    init(_ machine: Machine) { self.machine = machine }

    var path: String { "/simulated" }
    func wasLegacyTargetAbsent() -> Bool { wasAbsent }
    func forced() -> [Int: KiB] { sizes }

    func setForced(_ forced: [Int: KiB]) throws(BalloonError) {
        try machine.step("keep the forced sizes") { _ in sizes = forced }
    }

    func noteLegacyTargetAbsent() throws(BalloonError) {
        try machine.step("note that memory/target is absent") { _ in wasAbsent = true }
    }

    private var pools: String?
    func poolNote() -> String? { pools }

    func notePools(_ note: String) throws(BalloonError) {
        try machine.step("note whose the pools' pages are") { _ in pools = note }
    }
}

/// The control socket: the requests of commands, one after the other.
final class SimulatedRequests: RequestSource {
    private var lines: [String] = []
    private(set) var answers: [String] = []

    var isEmpty: Bool { lines.isEmpty }
    func ask(_ request: ControlRequest) { lines.append(request.line) }

    var watched: (descriptors: [Int32], writing: [Int]) { ([], []) }
    var nextTimeout: Moment? { lines.isEmpty ? nil : .zero }

    func serve(_ ready: Set<Int32>, now: Moment, _ answer: (String) -> String) {
        if !lines.isEmpty { answers.append(answer(lines.removeFirst())) }
    }
}

/// The loop's events. The clock advances while the loop waits, and with each step it takes.
final class SimulatedEvents: LoopEvents {
    /// The longest time that the loop may take between two checks for events, apart from hypercalls that move memory.
    static let patience: Interval = .milliseconds(30)

    private let machine: Machine
    private let store: SimulatedStore
    private var lastEnd: Moment
    private var lastMoving: Interval
    private var lastProbes = 0
    private var lastSteps = 0

    init(_ machine: Machine, _ store: SimulatedStore) {
        self.machine = machine
        self.store = store
        (lastEnd, lastMoving) = (machine.clock, machine.moving)
    }

    func wait(until due: Moment, now: Moment, _ interest: LoopInterest) throws(BalloonError) -> LoopHappenings {
        if machine.isKilled { throw .killed }
        let deaf = machine.clock - lastEnd - (machine.moving - lastMoving)
        if deaf > Self.patience {
            machine.violate(
                "I13: the loop was deaf for \(deaf.wholeMilliseconds) ms, \(machine.probes - lastProbes) probes, \(machine.steps - lastSteps) steps"
            )
        }
        var happened = LoopHappenings()
        happened.isStore = store.hasEvents
        happened.isFiles = machine.isFileEvent
        machine.isFileEvent = false
        if !happened.isStore && !happened.isFiles && due > machine.clock {
            machine.clock = due
            happened.isAlarm = true
        }
        (lastEnd, lastMoving) = (machine.clock, machine.moving)
        (lastProbes, lastSteps) = (machine.probes, machine.steps)
        return happened
    }
}

/// A process without a service manager.
struct SimulatedProcess: LoopProcess {
    var patience: Interval? { nil }
    func notify(_ text: String) {}
    func lockMemory() {}
}
