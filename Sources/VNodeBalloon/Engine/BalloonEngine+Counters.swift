/// What the daemon did, for its metrics.
extension BalloonEngine {
    /// What was done since the start.
    package var counters: Counters { stepCounters.with(failures: failures.byKind) }

    /// Carries an action out, and tells the controller and the counters.
    func finish(_ action: Action) {
        let (before, begin) = (frames(of: action.vnode), now)
        let outcome = perform(action)
        controller.finish(action, outcome, now: now)
        stepCounters.step(
            vnode: action.vnode, before: before, after: frames(of: action.vnode), wasShort: outcome.obstacle != nil,
            took: now - begin)
    }

    private func frames(of vnode: Int) -> Frames? {
        controller.states.first { $0.vnode.number == vnode }?.balloonFrames
    }
}
