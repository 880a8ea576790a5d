public import BalloonCore

/// The marks of an axis, and their labels.
public struct TimeAxis: Sendable {
    public let first: UTCTime
    public let last: UTCTime

    /// At least a second long, so that a record of one line makes a picture, too.
    public init(first: UTCTime, last: UTCTime) {
        self.first = first
        self.last = max(last, UTCTime(milliseconds: first.milliseconds + 1000))
    }

    /// The position on the axis, from 0 to 1.
    public func part(_ time: UTCTime) -> Double {
        Double(time.milliseconds - first.milliseconds) / Double(last.milliseconds - first.milliseconds)
    }

    private static let seconds: [Int64] = [1, 2, 5, 10, 15, 30]
    private static let steps: [Int64] =
        seconds + seconds.map { $0 * 60 } + [1, 2, 3, 6, 12, 24].map { $0 * 3600 }

    /// Round times of the clock, at most `most` of them.
    public func ticks(most: Int = 9) -> [UTCTime] {
        let span = last.milliseconds - first.milliseconds
        let day: Int64 = 86_400_000
        // Beyond a day, steps are whole days.
        let step =
            Self.steps.map { $0 * 1000 }.first { span / $0 < Int64(most) } ?? (span / day / Int64(most) + 1) * day
        let start = (first.milliseconds + step - 1) / step * step
        return stride(from: start, through: last.milliseconds, by: Int(step)).map { UTCTime(milliseconds: $0) }
    }
}

public struct SizeAxis: Sendable {
    /// The step between two marks.
    public let step: KiB
    public let last: KiB

    /// - Parameter most: the largest value that the axis must show.
    public init(most: KiB) {
        // No memory is larger than 2^50 KiB.
        let most = min(max(most, KiB(4)), KiB(1 << 50))
        var step = KiB(1)
        while most > step * 4 { step = step * 2 }
        self.step = step
        last = most.roundedUp(to: step)
    }

    public var ticks: [KiB] { (0...last / step).map { step * $0 } }

    /// All marks of an axis have the same unit.
    public func label(_ size: KiB) -> String {
        if size == .zero { return "0" }
        if step >= .gib(1) { return "\(size.count >> 20) GiB" }
        return step >= .mib(1) ? "\(size.wholeMiB) MiB" : "\(size) KiB"
    }
}
