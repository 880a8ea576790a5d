import Glibc
import Simulation
import Testing
import VNodeBalloon

/// Linux's own balloon, in files. It behaves as the kernel does: it checks its target once a second and moves
/// when it can. When it cannot, it tries four times more and then sleeps until its target changes. A controller
/// drives it through a mover.
final class KernelHand: DomainFigures {
    func suspension() -> Suspension { Suspension(suspended: .zero) }

    let directory: TemporaryDirectory
    private(set) var current: KiB
    let all: KiB
    /// The limits of what the kernel reaches.
    var least: KiB = 0
    var most: KiB = .max
    /// How much it moves in 100 ms.
    var speed: KiB = 24576
    var maximum: KiB = .max
    private(set) var retries: UInt64 = 1
    private var givenUpOn: KiB?
    private var nextTry: Moment = 0
    /// How often its target was changed.
    private(set) var changes = 0
    private var lastTarget: KiB

    private(set) var now: Moment = 0
    var mover: (any Mover)?
    var controller: BalloonController?
    var facts = BalloonController.Facts()
    /// The states that the vnode reported, one entry for each change.
    private(set) var told: [String] = []

    /// How much of the hole from boot is not counted as the kernel's balloon.
    private let uncounted: KiB

    /// - Parameter countsHole: whether info/low_kb counts the hole from boot. Linux 6.12 leaves it out.
    init(current: KiB, all: KiB, countsHole: Bool = true) throws {
        uncounted = countsHole ? 0 : all - current
        directory = try TemporaryDirectory()
        self.current = current
        self.all = all
        lastTarget = current
        let made = unsafe mkdir(directory.path + "/info", 0o700)
        try #require(made == 0)
        try write("target_kb", current)
        try publish()
        facts.memory = [0: Hand.memory(availableMiB: 4096)]
    }

    deinit {
        for name in ["target_kb", "retry_count", "info/current_kb", "info/low_kb", "info/high_kb"] {
            directory.remove(name)
        }
        _ = unsafe rmdir(directory.path + "/info")
    }

    func balloon(all: KiB? = nil) throws -> KernelBalloon {
        try KernelBalloon(directory: directory.path, all: all)
    }

    func start(_ mover: any Mover) throws {
        self.mover = mover
        var options = BalloonController.Options()
        options.inflateExtents = mover.steps.inflateExtents
        options.deflateExtents = mover.steps.deflateExtents
        controller = BalloonController(
            vnodes: mover.vnodes, granularity: mover.granularity, options: options)
        controller?.setBalloon(frames: try mover.recover(vnode: 0), vnode: 0)
    }

    func currentReservation() -> Frames { current.wholeFrames }
    func maximumReservation() -> Frames { maximum == .max ? .max : maximum.wholeFrames }

    var state: VNodeState { controller!.states[0] }
    var said: String { [state.activity.rawValue, state.reason?.rawValue].compactMap { $0 }.joined(separator: " ") }

    func target(_ size: KiB) { controller?.setRequest(.size(size), vnode: 0) }

    /// Another program writes the kernel's target.
    func tell(_ size: KiB) throws { try write("target_kb", size) }

    /// Lets time pass, 100 ms at a time. The daemon's loop and the kernel take turns.
    func run(seconds: Double) throws {
        let mover = try #require(mover)
        for _ in 0..<Int(seconds * 10) {
            controller?.setBalloon(frames: try #require(mover.balloonFrames(vnode: 0)), vnode: 0)
            facts.currentReservation = current.wholeFrames
            if case .act(let action)? = controller?.next(facts, now: now) {
                let outcome: Outcome
                switch action {
                case .inflate(let vnode, let extents): outcome = try mover.inflate(vnode: vnode, extents: extents)
                case .deflate(let vnode, let extents): outcome = try mover.deflate(vnode: vnode, extents: extents)
                }
                controller?.finish(action, outcome, now: now)
            } else if !state.isUnderWay && controller?.isTrying != true {
                try mover.rest()
            }
            if told.last != said { told.append(said) }
            now += .milliseconds(100)
            try turn()
        }
    }

    // MARK: The kernel

    func turn() throws {
        let target = try read("target_kb")
        if target != lastTarget {
            changes += 1
            (lastTarget, givenUpOn, nextTry) = (target, nil, now)
        }
        guard target != current, givenUpOn == nil, now >= nextTry else { return }
        let wanted = max(least, min(most, target, maximum))
        let before = current
        current = wanted > current ? min(wanted, current + speed) : max(wanted, current.less(speed))
        if current != before || target == current {
            retries = 1
        } else if retries > 4 {
            // As in Linux: the count of tries starts anew, and nothing else shows that the kernel gave up.
            (givenUpOn, retries) = (target, 1)
        } else {
            nextTry = now + .seconds(1 << (retries - 1))
            retries += 1
        }
        try publish()
    }

    private func publish() throws {
        try write("info/current_kb", current)
        try write("info/low_kb", (all - uncounted).less(current))
        try write("info/high_kb", 0)
        try write("retry_count", retries)
    }

    private func write(_ name: String, _ number: some CustomStringConvertible) throws {
        let text = "\(number)\n"
        try directory.overwrite(name, at: 0, with: text)
        try directory.truncate(name, to: text.utf8.count)
    }

    private func read(_ name: String) throws -> KiB {
        var buffer = [UInt8](repeating: 0, count: 32)
        let file = unsafe open(directory.path + "/" + name, O_RDONLY)
        try #require(file >= 0)
        // Unsafe: C fills a buffer of ours, within its length.
        let count = unsafe Glibc.read(file, &buffer, buffer.count)
        close(file)
        let digits = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).prefix { $0.isNumber }
        return KiB(try #require(UInt64(digits)))
    }
}
