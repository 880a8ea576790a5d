/// Moves Linux's own balloon: tells it a size, then watches it.
///
/// A size is written once. A kernel that tries again gets no new size; one that gave up gets its present size, so that
/// the next try, which the controller's back-off spaces out, is a change to it.
final class KernelBalloonDriver {
    enum Progress: Equatable {
        case arrived
        /// It moves, or has just been told to.
        case moving
        /// It got nowhere and tries again by itself.
        case retrying
        /// It gave up.
        case stopped
    }

    /// How long nothing may happen before a kernel that does not say that it tries again has given up. It looks once a
    /// second.
    static let patience: Interval = .seconds(2)

    /// When to look again at a kernel that moves.
    static let pause: Interval = .milliseconds(100)

    let balloon: KernelBalloon
    private let now: () -> Moment
    /// What we told it last, of ``KernelBalloon/Reading/current``, until it is there.
    private var goal: KiB?
    private var last: KiB = .zero
    private var lastProgress: Moment = .zero

    init(_ balloon: KernelBalloon, now: @escaping () -> Moment) {
        self.balloon = balloon
        self.now = now
    }

    /// Gives up to so much more. A goal that lies within is kept.
    func inflate(by size: KiB) throws(BalloonError) -> Progress {
        let reading = try balloon.read()
        let least = reading.current.less(size)
        if let goal, (least...reading.current).contains(goal) { return try drive(to: goal, reading) }
        return try drive(to: least, reading)
    }

    /// Takes up to so much back.
    func deflate(by size: KiB) throws(BalloonError) -> Progress {
        let reading = try balloon.read()
        let most = reading.current + size
        if let goal, (reading.current...most).contains(goal) { return try drive(to: goal, reading) }
        return try drive(to: most, reading)
    }

    /// Has it stay where it is, if it is still on a way that we sent it.
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
