import Logging
import Simulation
import Testing

@testable import VNodeBalloon

/// A PV guest with two vnodes: from the targets in xenstore to the rows that the daemon writes.
@Suite struct SharedEngineTests {
    let hand: KernelHand
    let work: TemporaryDirectory
    let engine: BalloonEngine

    init() throws {
        hand = try KernelHand(current: 524_288, all: 786_432)
        hand.maximum = 786_432
        work = try TemporaryDirectory()
        let topology = try VNUMATopology(vnodeCount: 2, untrusted: [(0, 0, 98304), (1, 98304, 196_608)])
        let backend = try KernelMover(
            try hand.balloon(), figures: hand, topology: topology, staticMax: 786_432, now: { 0 })
        engine = BalloonEngine(
            guest: Guest(
                kind: .pv, figures: hand, mover: backend, memory: { () throws(BalloonError) in [:] }, rest: { _ in }),
            state: try StateDirectory(path: work.path),
            options: .init(), log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func read(_ requests: [Int: TargetRequest]) throws {
        var reading = engine.reading
        // memory/target is there all the time.
        reading.hasLegacyTarget = true
        reading.hasTargets = true
        reading.requests = requests
        engine.take(reading)
    }

    /// The kernel stops or resumes reporting how large its balloon is.
    private func hideBalloon() throws { try hand.directory.truncate("info/low_kb", to: 0) }
    private func showBalloon(kib: KiB) throws {
        try hand.directory.overwrite("info/low_kb", at: 0, with: "\(kib)\n")
    }

    @Test func `two vnodes' targets in a PV guest become one balloon, reported in both rows`() throws {
        try engine.recover()
        try read([0: .size(65536), 1: .size(196_608)])
        #expect(engine.controller.states.map(\.target) == [262_144])
        #expect(engine.told.map(\.vnode.number) == [0, 1])
        #expect(engine.told.map(\.balloon) == [65536, 196_608])
        #expect(engine.told.map(\.activity) == [.idle, .idle])
        let report = try engine.report(isRunning: true, isFallback: false, staticMax: 786_432)
        #expect(report.vnodes.map(\.balloon) == [262_144])
        #expect(report.vnodes.map(\.target) == [262_144])

        try read([0: .size(65536), 1: .size(327_680)])
        #expect(engine.controller.states.map(\.target) == [393_216])
        #expect(engine.told.map(\.activity) == [.inflating, .inflating])
    }

    /// Here Linux's balloon is the mover, so nothing drifts, and a new memory/target need not keep the loop awake.
    @Test func `a new memory target is looked at once where Linux's balloon is the mover`() throws {
        try engine.recover()
        for kib: KiB in [786_432, 700_000] {
            var reading = engine.reading
            (reading.hasLegacyTarget, reading.legacyTarget) = (true, kib)
            engine.take(reading)
        }
        #expect(engine.drift.due != nil)
        engine.lookForDrift()
        #expect(engine.drift.due == nil && engine.drift.amount == nil)
    }

    @Test func `a forced size holds both vnodes of a shared balloon`() throws {
        try engine.recover()
        // This writes no file: the test may remove the state directory at any time.
        engine.controller.setForced(262_144, vnode: 0)
        try read([0: .size(65536), 1: .size(65536)])
        #expect(engine.told.map(\.reason) == [.forced, .forced])
        #expect(engine.told.compactMap(\.balloon).reduce(0, +) == 262_144)
    }

    @Test func `targets are held while the kernel's balloon cannot be read, and followed after`() throws {
        try hideBalloon()
        try engine.recover()
        try read([1: .size(65536)])
        #expect(engine.told.map(\.activity) == [.held, .held])
        #expect(engine.controller.states.map(\.target) == [nil])

        // 256 MiB were given before. What vnode 1 is not asked for belongs to vnode 0, and stays.
        try showBalloon(kib: 262_144)
        engine.retryRecoveryNow()
        while engine.isRecovering { engine.continueRecovery() }
        #expect(engine.controller.states.map(\.target) == [262_144])
        #expect(engine.told.map(\.balloon) == [196_608, 65536])
        #expect(engine.told.map(\.activity) == [.idle, .idle])
    }

    @Test func `an audit of a balloon that cannot be read is an error, and the vnodes stay held`() throws {
        try hideBalloon()
        try engine.recover()
        #expect(throws: BalloonError.self) { try engine.lookAgain(vnode: 0, slots: 0..<0) }
        #expect(engine.told.map(\.activity) == [.held, .held])
    }
}
