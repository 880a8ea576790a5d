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
    /// What we told it last, in KiB of ``KernelBalloon/Reading/currentKiB``, until it is there.
    private var goal: UInt64?
    private var lastKiB: UInt64 = 0
    private var lastProgress: Moment = .zero

    init(_ balloon: KernelBalloon, now: @escaping () -> Moment) {
        self.balloon = balloon
        self.now = now
    }

    /// Gives up to so many KiB more. A goal that lies within is kept.
    func inflate(kib: UInt64) throws(BalloonError) -> Progress {
        let reading = try balloon.read()
        let least = reading.currentKiB - min(kib, reading.currentKiB)
        if let goal, (least...reading.currentKiB).contains(goal) { return try drive(to: goal, reading) }
        return try drive(to: least, reading)
    }

    /// Takes up to so many KiB back.
    func deflate(kib: UInt64) throws(BalloonError) -> Progress {
        let reading = try balloon.read()
        let most = reading.currentKiB + kib
        if let goal, (reading.currentKiB...most).contains(goal) { return try drive(to: goal, reading) }
        return try drive(to: most, reading)
    }

    /// Has it stay where it is, if it is still on a way that we sent it.
    func rest() throws(BalloonError) {
        guard let goal else { return }
        self.goal = nil
        let reading = try balloon.read()
        // A size that another program wrote stays.
        guard reading.targetKiB == goal, reading.currentKiB != goal else { return }
        try balloon.setTarget(kib: reading.currentKiB)
    }

    private func drive(to wanted: UInt64, _ reading: KernelBalloon.Reading) throws(BalloonError) -> Progress {
        if reading.currentKiB == wanted && reading.targetKiB == wanted {
            goal = nil
            return .arrived
        }
        if goal != wanted || reading.targetKiB != wanted {
            try balloon.setTarget(kib: wanted)
            goal = wanted
            noteProgress(reading)
            return .moving
        }
        if reading.currentKiB != lastKiB {
            noteProgress(reading)
            return .moving
        }
        if reading.retryCount > 1 { return .retrying }
        guard now() - lastProgress >= Self.patience else { return .moving }
        try rest()
        return .stopped
    }

    private func noteProgress(_ reading: KernelBalloon.Reading) {
        lastKiB = reading.currentKiB
        lastProgress = now()
    }
}
