/// Moves Linux's own balloon: writes a target size, then watches its current size.
///
/// A target is written once. While the kernel tries again by itself it gets no new target. Once it gave up, its present
/// size is written as the target. So the next try, which the controller's back-off spaces out, is a change to the
/// kernel.
final class KernelBalloonDriver {
    enum Progress: Equatable {
        case arrived
        /// It moves, or has just been given a target.
        case moving
        /// It got nowhere and tries again by itself.
        case retrying
        /// It gave up.
        case stopped
    }

    /// A kernel that shows no progress for this long, and does not report retries, has given up. The kernel tries about
    /// once a second.
    static let patience: Interval = .seconds(2)

    /// When to read the size again while the kernel moves.
    static let pause: Interval = .milliseconds(100)

    let balloon: KernelBalloon
    private let now: () -> Moment
    /// The target that we wrote last, until ``KernelBalloon/Reading/current`` reaches it.
    private var goal: KiB?
    private var last: KiB = .zero
    private var lastProgress: Moment = .zero

    init(_ balloon: KernelBalloon, now: @escaping () -> Moment) {
        self.balloon = balloon
        self.now = now
    }

    /// Gives at most `size` more. A goal within that range is kept.
    func inflate(by size: KiB) throws(BalloonError) -> Progress {
        let reading = try balloon.read()
        let least = reading.current.less(size)
        if let goal, (least...reading.current).contains(goal) { return try drive(to: goal, reading) }
        return try drive(to: least, reading)
    }

    /// Takes at most `size` back.
    func deflate(by size: KiB) throws(BalloonError) -> Progress {
        let reading = try balloon.read()
        let most = reading.current + size
        if let goal, (reading.current...most).contains(goal) { return try drive(to: goal, reading) }
        return try drive(to: most, reading)
    }

    /// Stops the kernel's balloon where it is, if it is still moving to a target of ours.
    func rest() throws(BalloonError) {
        guard let goal else { return }
        self.goal = nil
        let reading = try balloon.read()
        // A size that another program wrote stays.
        guard reading.target == goal, reading.current != goal else { return }
        try balloon.setTarget(reading.current)
    }

    private func drive(to wanted: KiB, _ reading: KernelBalloon.Reading) throws(BalloonError) -> Progress {
        if reading.current == wanted && reading.target == wanted {
            goal = nil
            return .arrived
        }
        if goal != wanted || reading.target != wanted {
            try balloon.setTarget(wanted)
            goal = wanted
            noteProgress(reading)
            return .moving
        }
        if reading.current != last {
            noteProgress(reading)
            return .moving
        }
        if reading.retryCount > 1 { return .retrying }
        guard now() - lastProgress >= Self.patience else { return .moving }
        try rest()
        return .stopped
    }

    private func noteProgress(_ reading: KernelBalloon.Reading) {
        last = reading.current
        lastProgress = now()
    }
}
