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
    /// The longest time that the loop may take between two checks for events, apart from ``Machine/excused``.
    static let patience: Interval = .milliseconds(30)

    private let machine: Machine
    private let store: SimulatedStore
    private var lastEnd: Moment
    /// What the machine took meanwhile that the loop cannot cut short: hypercalls that move, waits for a silent holder.
    private var lastExcused: Interval
    private var lastProbes = 0
    private var lastSteps = 0
    /// What was due in the last turn, and for how many turns in a row.
    private var lastDue: (due: Moment, turns: Int) = (.zero, 0)

    init(_ machine: Machine, _ store: SimulatedStore) {
        self.machine = machine
        self.store = store
        (lastEnd, lastExcused) = (machine.clock, machine.excused)
    }

    func wait(until due: Moment, now: Moment, _ interest: LoopInterest) throws(BalloonError) -> LoopHappenings {
        if machine.isKilled { throw .killed }
        let deaf = machine.clock - lastEnd - (machine.excused - lastExcused)
        if deaf > Self.patience {
            machine.violate(
                "I13: the loop was deaf for \(deaf.wholeMilliseconds) ms, \(machine.probes - lastProbes) probes, \(machine.steps - lastSteps) steps"
            )
        }
        checkRests(until: due)
        var happened = LoopHappenings()
        happened.isStore = store.hasEvents
        happened.isFiles = machine.isFileEvent
        machine.isFileEvent = false
        if !happened.isStore && !happened.isFiles && due > machine.clock {
            machine.clock = due
            happened.isAlarm = true
        }
        (lastEnd, lastExcused) = (machine.clock, machine.excused)
        (lastProbes, lastSteps) = (machine.probes, machine.steps)
        return happened
    }

    /// Each turn does what is due, or puts it off. One that does neither spins, and takes a whole processor.
    private func checkRests(until due: Moment) {
        let isDone = due != lastDue.due && (machine.steps, machine.probes) != (lastSteps, lastProbes)
        let turns = due <= machine.clock && !isDone ? lastDue.turns + 1 : 0
        lastDue = (due, turns)
        guard turns > 20 else { return }
        let late = (machine.clock - due).wholeMilliseconds
        machine.violate("I13: the loop spins: what has been due for \(late) ms is neither done nor put off")
    }
}

/// A process without a service manager.
struct SimulatedProcess: LoopProcess {
    var patience: Interval? { nil }
    func notify(_ text: String) {}
    func lockMemory() {}
}
