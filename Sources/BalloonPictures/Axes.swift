import BalloonCore

/// Where an axis has its marks, and what stands beside them.
public struct TimeAxis: Sendable {
    public let first: UTCTime
    public let last: UTCTime

    /// At least a second long: one line makes a picture, too.
    public init(first: UTCTime, last: UTCTime) {
        self.first = first
        self.last = max(last, UTCTime(milliseconds: first.milliseconds + 1000))
    }

    /// How far along the axis it is, from 0 to 1.
    public func part(_ time: UTCTime) -> Double {
        Double(time.milliseconds - first.milliseconds) / Double(last.milliseconds - first.milliseconds)
    }

    private static let seconds: [Int64] = [1, 2, 5, 10, 15, 30]
    private static let steps: [Int64] =
        seconds + seconds.map { $0 * 60 } + [1, 2, 3, 6, 12, 24].map { $0 * 3600 }

    /// Round times of the clock, at most so many.
    public func ticks(most: Int = 9) -> [UTCTime] {
        let span = last.milliseconds - first.milliseconds
        let day: Int64 = 86_400_000
        // Beyond a day: whole days.
        let step =
            Self.steps.map { $0 * 1000 }.first { span / $0 < Int64(most) } ?? (span / day / Int64(most) + 1) * day
        let start = (first.milliseconds + step - 1) / step * step
        return stride(from: start, through: last.milliseconds, by: Int(step)).map { UTCTime(milliseconds: $0) }
    }
}

public struct SizeAxis: Sendable {
    /// Between two marks.
    public let stepKiB: UInt64
    public let lastKiB: UInt64

    /// - Parameter most: KiB that must have room.
    public init(mostKiB: UInt64) {
        // What lies beyond 2^50 KiB is no memory.
        let most = min(max(mostKiB, 4), 1 << 50)
        var step: UInt64 = 1
        while most > step * 4 { step *= 2 }
        stepKiB = step
        lastKiB = (most + step - 1) / step * step
    }

    public var ticks: [UInt64] { Array(stride(from: 0, through: lastKiB, by: Int(stepKiB))) }

    /// All marks of an axis have one unit.
    public func label(_ kib: UInt64) -> String {
        if kib == 0 { return "0" }
        if stepKiB >= 1 << 20 { return "\(kib >> 20) GiB" }
        return stepKiB >= 1 << 10 ? "\(kib >> 10) MiB" : "\(kib) KiB"
    }
}
