internal import Logging

// Stops whatever moves memory besides our own steps.
extension BalloonEngine {
    func restIfIdle() {
        if !controller.states.contains(where: \.isUnderWay) && !controller.isTrying { rest() }
    }

    /// Called at the end: stops all moves, and reads the final sizes of the balloons. The kernel, once told to stop,
    /// finishes what it has begun. Half a second is many times as long as that takes.
    func comeToRest() {
        rest()
        guard guest.mover.isMovedByOthers else { return }
        for _ in 0..<10 {
            let before = controller.states
            guest.rest(.milliseconds(50))
            takeBalloons()
            if controller.states == before { break }
        }
    }

    /// Stops what the mover may still have under way.
    func rest() {
        do throws(BalloonError) {
            try guest.mover.rest()
        } catch {
            log.error("cannot stop Linux's own balloon", metadata: ["error": "\(error)"])
        }
    }
}
