import Simulation
import Testing
import VNodeBalloon

/// Which lines the daemon writes to the journal.
@Suite struct BalloonChronicleTests {
    /// A controller, and the lines that were logged of it so far.
    final class Story {
        let hand: Hand
        var chronicle = BalloonChronicle()
        var refused: [Int: String] = [:]

        init(_ options: BalloonController.Options = .init()) { hand = Hand(options: options) }

        func told() -> [BalloonChronicle.Line] {
            chronicle.lines(hand.controller.states, refused: refused, now: hand.now)
        }
        func lines() -> [String] { told().map(\.text) }

        func act(_ milliseconds: UInt64) {
            guard let action = hand.action() else { return }
            hand.now += milliseconds * 1_000_000
            hand.succeed(action)
        }
    }

    @Test func `a target is logged in one line, and its finished move in another`() {
        let story = Story()
        #expect(story.lines().isEmpty, "nothing is asked for")
        story.hand.target(1, mib: 16)
        #expect(story.lines() == ["vnode 1: target 16 MiB"])
        story.act(700)
        #expect(story.lines().isEmpty, "half of it")
        story.act(800)
        #expect(story.lines() == ["vnode 1: inflated from 0 MiB to 16 MiB in 1.5 s"])
        story.hand.target(1, mib: 0)
        story.act(10)
        #expect(story.lines() == ["vnode 1: target 0 MiB", "vnode 1: deflated from 16 MiB to 0 MiB in 0.0 s"])
        #expect(story.lines().isEmpty)
        story.hand.controller.setRequest(.absent, vnode: 1)
        #expect(story.lines() == ["vnode 1: no target any more"])
    }

    @Test func `a target that is not a size is logged once, quoted`() {
        let story = Story()
        story.hand.controller.setRequest(.invalid, vnode: 0)
        story.refused[0] = TargetText(untrusted: Array("12\n\"x".utf8)).printable
        #expect(
            story.lines() == [
                "vnode 0: target refused: \"12\\x0a\\\"x\" is not a size of 0 to 1048576 KiB",
                "vnode 0: held at 0 MiB: \(HeldReason.invalidTarget.sentence)",
            ])
        #expect(story.lines().isEmpty)
        story.hand.target(0, mib: 0)
        story.refused[0] = nil
        #expect(story.lines() == ["vnode 0: target 0 MiB", "vnode 0: no longer held"])
        #expect(TargetText(untrusted: [UInt8](repeating: 0x41, count: 500)).printable.count < 50)
    }

    @Test func `a hold is logged when it begins and when it ends`() {
        let story = Story()
        story.hand.target(0, mib: 8)
        story.hand.facts.memory?[0] = Hand.memory(availableMiB: 20)
        _ = story.hand.next()
        #expect(
            story.lines() == ["vnode 0: target 8 MiB", "vnode 0: held at 0 MiB: \(HeldReason.guard.sentence)"])
        story.hand.now += Hand.second
        story.hand.facts.memory?[0] = Hand.memory(availableMiB: 400)
        _ = story.hand.settle()
        #expect(story.lines() == ["vnode 0: inflated from 0 MiB to 8 MiB in 0.0 s", "vnode 0: no longer held"])
    }

    @Test func `a forced size, its release and an unknown size are logged`() {
        let story = Story()
        story.hand.controller.setForced(4096, vnode: 0)
        #expect(story.lines() == ["vnode 0: forced to 4 MiB"])
        story.hand.controller.setForced(nil, vnode: 0)
        story.hand.controller.setUnknown(.looking, vnode: 0)
        #expect(story.lines() == ["vnode 0: released: follows xenstore again"])
        story.hand.controller.setUnknown(.descriptors, detail: "too many files", vnode: 0)
        #expect(story.lines() == ["vnode 0: held, its size is not known: too many files"])
        story.hand.controller.setBalloon(frames: 1024, vnode: 0)
        #expect(story.lines() == ["vnode 0: no longer held"])
    }

    @Test func `a thousand targets in a minute are ten lines, and the number left out`() {
        let story = Story()
        var said = 0
        for number in 1...1000 as ClosedRange<UInt64> {
            story.hand.target(0, mib: number % 7 * 2)
            said += story.lines().filter { $0.contains("target") }.count
            story.hand.now += .milliseconds(1)
        }
        #expect(said == BalloonChronicle.burst)
        story.hand.now += BalloonChronicle.window
        story.hand.target(0, mib: 100)
        #expect(story.lines() == ["vnode 0: 990 lines of this kind were left out", "vnode 0: target 100 MiB"])
    }

    @Test func `each line has the fields that programs look for`() {
        let story = Story()
        story.hand.target(0, mib: 8)
        story.hand.facts.memory?[0] = Hand.memory(availableMiB: 20)
        _ = story.hand.next()
        var told = story.told()
        #expect(told.map(\.event) == [.target, .held])
        #expect(
            told.last?.fields.map { "\($0.name)=\($0.value)" } == [
                "VNODE=0", "MESSAGE_ID=\(JournalEvent.held.rawValue)", "REASON=guard", "BALLOON_KIB=0",
                "TARGET_KIB=8192",
            ])
        story.hand.now += Hand.second
        story.hand.facts.memory?[0] = Hand.memory(availableMiB: 400)
        _ = story.hand.settle()
        told = story.told()
        #expect(told.map(\.event) == [.moved, .free])
        #expect(told.allSatisfy { $0.reason == nil && $0.balloon == .mib(8) })
        story.hand.controller.setForced(4096, vnode: 1)
        told = story.told()
        #expect(told.map(\.event) == [.forced])
        #expect(told.first?.vnode == 1 && told.first?.goal == .mib(4))
    }
}
