internal import CBalloonShim
import Logging

/// Takes over the balloon of another state directory. First all of that balloon is taken back through its own files and
/// pins. Then the balloons of this state directory go to their targets.
enum Adoption {
    /// - Parameter directory: the other state directory. The caller must have the guest's lock.
    /// - Throws: `.busy`, with the reason, where not all of it can be taken back; what
    ///   ``Guest/open(stateDirectory:keeper:staticMax:)`` throws.
    static func takeBack(
        from directory: String, _ configuration: Configuration, log: Logger
    ) throws(BalloonError) {
        let state = try StateDirectory(path: directory)
        try state.lock()
        let keeper = HolderClient(state: state)
        var theirs = configuration
        theirs.stateDirectory = directory
        let mover = try MoverChoice.ofThisGuest(theirs, for: .command, hasPins: HolderClient.hasPins)
        // Another mover than privcmd is chosen only where nothing is left in that directory's files. Memory that the
        // other mover gave must stay given. Otherwise a daemon that keeps the option `--adopt` would take all of it
        // back at each start.
        guard mover == .privcmd else {
            return log.notice("there is nothing to take over", metadata: ["state-dir": "\(directory)"])
        }
        let guest = try Guest.open(mover, stateDirectory: directory, keeper: keeper, staticMax: nil)
        let engine = BalloonEngine(guest: guest, state: state, options: configuration.controllerOptions, log: log)
        try engine.recover()
        engine.followForcedOnly()
        for vnode in guest.mover.vnodes { engine.controller.setForced(.zero, vnode: vnode.number) }
        while engine.isEmpty != true {
            let due = engine.step()
            if let held = heldBalloons(engine) {
                throw BalloonError(.busy, "not all of \(directory)'s memory can be taken back: \(held)")
            }
            guard due.map({ $0 > engine.now }) ?? true else { continue }
            if let size = lost(engine) {
                throw BalloonError(
                    .busy,
                    "\(Size.text(size)) of \(directory)'s memory cannot be taken back until the guest is started again: go"
                        + " on with --state-dir \(directory) until then")
            }
            sleep(for: .milliseconds(10))
        }
        engine.comeToRest()
        keeper.dropAll()
        log.notice("took over the balloons of another state directory", metadata: ["state-dir": "\(directory)"])
    }

    /// The size of what is lost, where nothing else is left; nil: the balloons still have memory, or nothing is lost.
    private static func lost(_ engine: BalloonEngine) -> KiB? {
        let states = engine.controller.states
        guard states.allSatisfy({ $0.balloon == .zero }) else { return nil }
        let lost = states.reduce(.zero) { $0 + $1.lost }
        return lost > .zero ? lost : nil
    }

    /// Why all balloons that are left are held; nil: they still move, or nothing is left.
    private static func heldBalloons(_ engine: BalloonEngine) -> String? {
        let left = engine.controller.states.filter { $0.balloon != .zero }
        let held = left.filter { $0.activity == .held && !$0.isBeingAudited }
        guard !held.isEmpty, held.count == left.count else { return nil }
        return held.map { state in
            "vnode \(state.vnode.number) is held at \(Size.text(known: state.balloon))"
                + " (\(state.detail ?? state.reason?.rawValue ?? "unknown"))"
        }.joined(separator: ", ")
    }
}
