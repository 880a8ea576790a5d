package import BalloonCore

// Tests are full of sizes and times: a number alone is KiB there, or frames, or nanoseconds. The product's code has to say
// the unit. A sum of numbers that nothing else has a type in is an Int in `#expect`, and equal to no size: KiB(1024 + 4).
extension KiB: ExpressibleByIntegerLiteral {
    package init(integerLiteral count: UInt64) { self.init(count) }
}

extension Frames: ExpressibleByIntegerLiteral {
    package init(integerLiteral count: UInt64) { self.init(count) }
}

extension Interval: ExpressibleByIntegerLiteral {
    package init(integerLiteral nanoseconds: UInt64) { self = .nanoseconds(nanoseconds) }

    package static func * (times: UInt64, time: Interval) -> Interval { time * times }
}

extension Moment: ExpressibleByIntegerLiteral {
    package init(integerLiteral nanoseconds: UInt64) { self.init(nanoseconds: nanoseconds) }

    /// So many seconds after the clock's zero.
    package static func at(_ seconds: UInt64) -> Moment { .zero + .seconds(seconds) }
}
