import Glibc
import Logging
import VNodeBalloon

/// One guest whose balloons are filled and emptied once, with a restart of the daemon in between.
final class Measurement {
    let size: Size
    private let xen: SizeXen
    private let kernel: SizeKernel
    private let keeper = SizeKeeper()
    private let intents = SizeIntents()

    struct Result {
        /// Microseconds of one step (lower quartile), for the first and the last 500 steps of an inflate.
        var firstSteps = 0.0
        var lastSteps = 0.0
        /// Seconds of processor time that this process used.
        var inflate = 0.0
        var restart = 0.0
        /// Microseconds of one check of all files.
        var files = 0.0
        var audit = 0.0
        var deflate = 0.0
        var repair = 0.0
        /// By how many bytes the process grew, including the doubles: with all memory given, and after a restart.
        var bytes = 0
        var restartBytes = 0
        var kept = 0
    }

    init(_ size: Size) {
        self.size = size
        xen = SizeXen(size)
        kernel = SizeKernel(size)
    }

    private func start() throws -> BalloonEngine {
        var reserves: [Int: any PageReserve] = [:]
        for vnode in size.list {
            reserves[vnode.number] = PinnedPages(
                vnode: vnode.number, node: vnode.linuxNode, SizePages(kernel, vnode: vnode.number, size), keeper: keeper
            )
        }
        let backend = try PrivcmdMover(vnodes: size.list, hypervisor: xen, reserves: reserves, intents: intents)
        // Each node has ten times as much memory as its balloon takes, so the guard never stops an inflate.
        let plenty = KiB.mib(20) * UInt64(size.extentsEach)
        let memory = Dictionary(
            uniqueKeysWithValues: size.list.map {
                ($0.number, NodeMemory(managed: plenty, free: plenty, available: plenty))
            })
        let guest = Guest(
            kind: .pvh, figures: xen, mover: backend, memory: { () throws(BalloonError) in memory }, rest: { _ in })
        let engine = BalloonEngine(
            guest: guest, state: SizeState(), options: .init(),
            log: Logger(label: "sizes") { _ in SwiftLogNoOpLogHandler() })
        try engine.recover()
        return engine
    }

    /// Moves all vnodes to a share of their size. Returns the microseconds of each step, in order.
    private func move(_ engine: BalloonEngine, to share: UInt64) throws -> [Double] {
        let goal = KiB.mib(2) * UInt64(size.extentsEach) * share
        engine.force(Dictionary(uniqueKeysWithValues: size.list.map { ($0.number, goal) }))
        var steps: [Double] = []
        steps.reserveCapacity(size.extents / 16 + 64)
        var before = processorSeconds()
        while engine.controller.states.contains(where: { $0.balloon != goal }) {
            guard let due = engine.step() else { break }
            if due > BalloonEngine.now { break }
            let after = processorSeconds()
            steps.append((after - before) * 1e6)
            before = after
        }
        guard engine.controller.states.allSatisfy({ $0.balloon == goal }) else {
            throw BalloonError(.system, "the balloons did not get to \(goal) KiB: \(engine.controller.states[0])")
        }
        return steps
    }

    func run() throws -> Result {
        var result = Result()
        let memory = residentBytes()
        try fill(&result)
        result.bytes = residentBytes() - memory
        result.kept = keeper.count
        // From here on the process before this one has ended.
        let begin = processorSeconds()
        let engine = try start()
        result.restart = processorSeconds() - begin
        result.restartBytes = residentBytes() - memory
        try look(engine, &result)
        result.deflate = try move(engine, to: 0).reduce(0, +) / 1e6
        return result
    }

    private func fill(_ result: inout Result) throws {
        let steps = try move(try start(), to: 1)
        result.inflate = steps.reduce(0, +) / 1e6
        result.firstSteps = quartile(steps.prefix(500))
        result.lastSteps = quartile(steps.suffix(500))
    }

    private func look(_ engine: BalloonEngine, _ result: inout Result) throws {
        let audit = processorSeconds()
        guard let mover = engine.guest.mover.slots else { throw BalloonError(.system, "there are no slots") }
        for vnode in size.list {
            for first in stride(from: 0, to: size.extentsEach, by: 8) {
                let slots = first..<min(first + 8, size.extentsEach)
                let found = try mover.audit(vnode: vnode.number, slots: slots, everyFrame: false)
                if !found.isEmpty { throw BalloonError(.system, "the audit finds \(found[0])") }
            }
        }
        result.audit = processorSeconds() - audit
        // The same number of slots for every size, at the end of the vnode, in pieces as `audit --repair` asks for them.
        let repair = processorSeconds()
        let last = size.extentsEach
        for first in stride(from: max(0, last - 512), to: last, by: 8) {
            try engine.lookAgain(vnode: size.vnodes - 1, slots: first..<first + 8)
        }
        result.repair = processorSeconds() - repair
        let files = processorSeconds()
        for _ in 0..<100 { _ = try engine.checkFiles() }
        result.files = (processorSeconds() - files) * 1e4
    }

    private func quartile(_ steps: some Sequence<Double>) -> Double {
        let sorted = steps.sorted()
        return sorted.isEmpty ? 0 : sorted[sorted.count / 4]
    }

    private func processorSeconds() -> Double {
        var time = timespec()
        // Unsafe: a struct for C to fill.
        _ = unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// The resident memory of this process, as the kernel counts it.
    private func residentBytes() -> Int {
        let text = String(decoding: (try? readFile("/proc/self/statm", limit: 256)) ?? [], as: UTF8.self)
        let words = text.split(separator: " ")
        return words.count > 1 ? (Int(words[1]) ?? 0) * 4096 : 0
    }
}
