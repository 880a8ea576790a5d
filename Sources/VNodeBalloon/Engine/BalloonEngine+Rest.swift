internal import Logging

// The end of all moves, also of those that Linux's own balloon makes.
extension BalloonEngine {
    func restIfIdle() {
        if !controller.states.contains(where: \.isUnderWay) && !controller.isTrying { rest() }
    }

    /// The end: nothing moves any more, and the balloons are known as they stay. The kernel, told to stay where it is,
    /// ends what it has in hand: half a second is many times as long.
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

    /// Nothing of ours moves any more.
    func rest() {
        do throws(BalloonError) {
            try guest.mover.rest()
        } catch {
            log.error("cannot stop Linux's own balloon", metadata: ["error": "\(error)"])
        }
    }
}
