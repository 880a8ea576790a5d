import Simulation
import VNodeBalloon

/// Drives a controller by hand. It has a clock, plenty of memory, and plays the mover.
final class Hand {
    static let second: Interval = .seconds(1)

    var controller: BalloonController
    var facts = BalloonController.Facts()
    var now: Moment = 0
    /// How many frames of each vnode are ballooned out.
    var balloons: [Int: Frames] = [:]

    init(vnodes: [VNode] = [Hand.vnode(0), Hand.vnode(1)], options: BalloonController.Options = .init()) {
        controller = BalloonController(vnodes: vnodes, granularity: 2048, options: options)
        for vnode in vnodes {
            facts.memory?[vnode.number] = Self.memory(availableMiB: 1024)
            controller.setBalloon(frames: 0, vnode: vnode.number)
        }
    }

    static func vnode(_ number: Int, linuxNode: Int? = 0) -> VNode {
        VNode(number: number, linuxNode: linuxNode, size: .gib(1))
    }

    static func memory(availableMiB: UInt64) -> NodeMemory {
        NodeMemory(managed: .mib(512), free: .mib(availableMiB), available: .mib(availableMiB))
    }

    func state(_ vnode: Int) -> VNodeState { controller.states[vnode] }
    func balloonMiB(_ vnode: Int) -> UInt64 { (state(vnode).balloon ?? .max).wholeMiB }

    func target(_ vnode: Int, mib: UInt64) { controller.setRequest(.size(.mib(mib)), vnode: vnode) }

    func next() -> Decision { controller.next(facts, now: now) }

    /// The action that is due; nil: none is.
    func action() -> Action? {
        guard case .act(let action) = next() else { return nil }
        return action
    }

    /// Reports that an action moved all that it was asked for.
    func succeed(_ action: Action) {
        let balloon = balloons[action.vnode] ?? 0
        switch action {
        case .inflate(let vnode, let extents): balloons[vnode] = balloon + 512 * UInt64(extents)
        case .deflate(let vnode, let extents): balloons[vnode] = balloon - 512 * UInt64(extents)
        }
        controller.finish(action, Outcome(balloonFrames: balloons[action.vnode] ?? 0), now: now)
    }

    /// Reports that an action moved nothing.
    func fail(_ action: Action, _ reason: HeldReason?) {
        let outcome = Outcome(balloonFrames: balloons[action.vnode] ?? 0, obstacle: reason)
        controller.finish(action, outcome, now: now)
    }

    /// Lets the controller act until it has nothing to do. Returns its actions.
    func settle() -> [Action] {
        var done: [Action] = []
        while let action = action() {
            done.append(action)
            succeed(action)
            // A controller that never settles must fail the test, not hang it.
            if done.count > 10_000 { return [] }
        }
        return done
    }
}
