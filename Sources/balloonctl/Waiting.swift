import ArgumentParser
import VNodeBalloon

/// Waits until balloons have reached their sizes.
struct Waiting {
    let session: Session
    /// The size that each vnode's balloon shall have.
    let goals: [Int: KiB]
    private static let pause: Interval = .milliseconds(100)

    /// Waits, with progress, until all balloons have their sizes.
    /// - Returns: the vnodes' reports at the end.
    /// - Throws: 75 when all the others are held, 130 on Ctrl-C.
    func run() throws -> [StatusReport.VNodeReport] {
        // Ctrl-C ends the waiting, not the force. It arrives through a descriptor, between two readings. Where no more
        // files can be opened, the command still takes memory back, but ignores Ctrl-C.
        let signals = try? SignalSource()
        defer { Terminal.endProgress() }
        while true {
            let due = step()
            let vnodes = try session.status().vnodes.filter { goals[$0.vnode] != nil }
            let states = stateReasons()
            if vnodes.allSatisfy({ $0.balloon == goals[$0.vnode] }) {
                publish()
                return vnodes
            }
            if signals?.next() != nil {
                publish()
                Terminal.endProgress()
                for vnode in vnodes { Terminal.complain(whatGoesOn(vnode)) }
                throw Exit.interrupted
            }
            try complainIfHeld(vnodes, states)
            for vnode in vnodes where vnode.forced != goals[vnode.vnode] {
                Terminal.endProgress()
                Terminal.complain("vnode \(vnode.vnode): another command changed the forced size meanwhile")
                throw Exit.temporary
            }
            Terminal.progress(
                vnodes.map { "vnode \($0.vnode): " + Self.progress($0, goal: goals[$0.vnode] ?? .zero) }
                    .joined(separator: ", "))
            if due == nil || due! > BalloonEngine.now { sleep(for: Self.pause) }
        }
    }

    /// What goes on after Ctrl-C, which ends only the waiting.
    private func whatGoesOn(_ vnode: StatusReport.VNodeReport) -> String {
        let goal = Size.text(goals[vnode.vnode] ?? .zero)
        let release = "balloonctl force \(vnode.vnode) --release ends that"
        let (number, now) = (vnode.vnode, Size.text(known: vnode.balloon))
        guard vnode.balloon != goals[number] else {
            return "vnode \(number): \(goal) are reached, and stay; \(release)"
        }
        switch session {
        case .daemon: return "vnode \(number): the daemon goes on from \(now) to \(goal); \(release)"
        case .alone: return "vnode \(number): stays at \(now); the next daemon goes on to \(goal); \(release)"
        }
    }

    private static func progress(_ vnode: StatusReport.VNodeReport, goal: KiB) -> String {
        if let now = vnode.balloon { return "\(now.wholeMiB) of \(goal.wholeMiB) MiB" }
        guard let done = vnode.auditedExtents, let all = vnode.extents else { return "is being audited" }
        return "\(done) of \(all) extents audited"
    }

    private func step() -> Moment? {
        guard case .alone(let session) = session else { return nil }
        return session.step()
    }

    private func publish() {
        if case .alone(let session) = session { session.publish() }
    }

    /// The reasons from the engine in this process: without a daemon the report only says `stopped`.
    private func stateReasons() -> [Int: HeldReason] {
        guard case .alone(let session) = session else { return [:] }
        var reasons: [Int: HeldReason] = [:]
        for state in session.engine.controller.states where state.activity == .held {
            reasons[state.vnode.number] = state.reason
        }
        return reasons
    }

    private func complainIfHeld(_ vnodes: [StatusReport.VNodeReport], _ alone: [Int: HeldReason]) throws {
        var held: [String] = []
        for vnode in vnodes where vnode.balloon != goals[vnode.vnode] {
            let reason = alone[vnode.vnode]?.rawValue ?? (vnode.state == "held" ? vnode.reason : nil)
            // A vnode that still moves is waited for, even if another one is held.
            guard let reason else { return }
            // It is being audited, and no error stands in the way.
            if vnode.balloon == nil && vnode.detail == nil { return }
            held.append(
                vnode.balloon.map {
                    "vnode \(vnode.vnode) is held at \(Size.text($0)): \(Self.sentence(reason))"
                }
                    ?? "the size of vnode \(vnode.vnode) is not known: \(vnode.detail ?? Self.sentence(reason))")
        }
        guard !held.isEmpty else { return }
        publish()
        Terminal.endProgress()
        for sentence in held { Terminal.complain(sentence) }
        throw Exit.temporary
    }

    private static func sentence(_ reason: String) -> String { HeldReason(rawValue: reason)?.sentence ?? reason }
}
