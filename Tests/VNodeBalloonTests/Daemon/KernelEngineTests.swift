import Logging
import Simulation
import Testing

@testable import VNodeBalloon

/// A PV guest whose kernel gets no processor time between two turns of the loop.
@Suite struct KernelEngineTests {
    private final class Clock { var now: Moment = 0 }

    let hand: KernelHand
    let work: TemporaryDirectory
    let engine: BalloonEngine
    private let clock: Clock

    init() throws {
        hand = try KernelHand(current: 524_288, all: 786_432)
        hand.maximum = 524_288
        work = try TemporaryDirectory()
        let clock = Clock()
        self.clock = clock
        let backend = try KernelMover(try hand.balloon(), figures: hand, staticMax: 786_432, now: { clock.now })
        engine = BalloonEngine(
            guest: Guest(
                kind: .pv, figures: hand, mover: backend, memory: { () throws(BalloonError) in [:] }, rest: { _ in }),
            state: try StateDirectory(path: work.path), options: .init(),
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, clock: { clock.now })
        try engine.recover()
        var reading = engine.reading
        (reading.hasLegacyTarget, reading.hasTargets, reading.requests) = (true, true, [0: .size(131_072)])
        engine.take(reading)
    }

    /// All turns of the loop that are due now.
    private func turns() { while let due = engine.step(), due <= clock.now {} }

    @Test func `a size is left alone while the kernel is on its way to it`() throws {
        turns()
        #expect(engine.controller.states[0].reason == .maxReservation)
        hand.maximum = 786_432
        // The first step comes after the back-off. 30 steps are enough for 128 MiB.
        for _ in 0..<50 {
            clock.now += .milliseconds(100)
            turns()
            try hand.turn()
        }
        #expect(hand.currentReservation() == KiB(655_360).wholeFrames)
        #expect(engine.controller.states[0].activity == .idle)
    }

    /// A vnode that is held by a limit shows that limit as its reason, in whatever call it was met.
    @Test(arguments: [
        (BalloonError.Code.descriptors, HeldReason.descriptors), (.fileSize, .fileSize), (.cpuset, .cpuset),
        (.cgroup, .cgroup), (.busy, .holder), (.moved, .moved), (.hypercall, .hypervisorRefused), (.store, .failed),
    ])
    func `each error code becomes its held reason`(_ code: BalloonError.Code, _ reason: HeldReason) {
        #expect(engine.obstacle(BalloonError(code, "")) == reason)
    }

    /// Without a target the balloon stays as it is.
    @Test func `a target that is removed stops the kernel's balloon at the size that it has`() throws {
        hand.maximum = 786_432
        turns()
        try hand.turn()
        var reading = engine.reading
        reading.requests = [0: .absent]
        engine.take(reading)
        clock.now += .milliseconds(100)
        turns()
        let size = hand.currentReservation()
        for _ in 0..<10 { try hand.turn() }
        #expect(hand.currentReservation() == size)
    }
}
