import Logging
import Simulation
import Testing

@testable import VNodeBalloon

/// The state directory is full: memory moves all the same, and the daemon reports that the forced size was not saved.
@Suite struct UnkeptForceTests {
    private final class FullState: StateKeeper {
        var isFull = true
        var kept: [Int: KiB] = [1: 4096]
        var path: String { "/full" }
        func wasLegacyTargetAbsent() -> Bool { false }
        func forced() -> [Int: KiB] { kept }
        func setForced(_ forced: [Int: KiB]) throws(BalloonError) {
            try write()
            kept = forced
        }
        func noteLegacyTargetAbsent() throws(BalloonError) { try write() }
        func poolNote() -> String? { nil }
        func notePools(_ note: String) throws(BalloonError) { try write() }
        private func write() throws(BalloonError) {
            if isFull { throw BalloonError(.system, "cannot write", errno: 28) }
        }
    }

    private let state = FullState()
    private let engine: BalloonEngine
    private let hand: KernelHand

    init() throws {
        hand = try KernelHand(current: 524_288, all: 786_432)
        hand.maximum = 786_432
        let backend = try KernelMover(
            try hand.balloon(), figures: hand, topology: nil, staticMax: 786_432, now: { 0 })
        engine = BalloonEngine(
            guest: Guest(
                kind: .pv, figures: hand, mover: backend, memory: { () throws(BalloonError) in [:] }, rest: { _ in }),
            state: state, options: .init(), log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try engine.recover()
    }

    private func forceError() throws -> String? {
        try engine.report(isRunning: true, isFallback: false, staticMax: nil).forceError
    }

    @Test func `a forced size is obeyed though the state directory is full, and reported as not written`() throws {
        #expect(try forceError() == nil)
        engine.force([0: 0])
        #expect(engine.controller.states[0].forced == 0 && engine.controller.states[0].activity == .deflating)
        #expect(try forceError()?.contains("could not be written down") == true)
        #expect(try forceError()?.contains("ENOSPC") == true)
        engine.keepForced()
        #expect(state.kept == [1: 4096])
        state.isFull = false
        engine.keepForced()
        #expect(state.kept == [0: 0, 1: 4096])
        #expect(try forceError() == nil)
    }

    @Test func `a release that could not be written is written once the state directory has room`() throws {
        state.isFull = false
        engine.force([0: 65536])
        state.isFull = true
        engine.force([0: nil])
        #expect(engine.controller.states[0].forced == nil)
        #expect(state.kept == [0: 65536, 1: 4096])
        state.isFull = false
        engine.keepForced()
        #expect(state.kept == [1: 4096])
    }

    /// The other things that the daemon read in xenstore count all the same.
    @Test func `a target is followed though a note could not be written`() {
        var reading = engine.reading
        reading.hasTargets = true
        reading.requests = [0: .size(65536)]
        engine.take(reading)
        #expect(engine.controller.states[0].target == 65536)
    }
}
