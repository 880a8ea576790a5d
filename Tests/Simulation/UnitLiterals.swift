package import BalloonCore

// Tests are full of sizes and times. In tests a number alone stands for KiB, frames or nanoseconds; the product's code
// must name the unit. In `#expect` a sum of numbers without a typed operand is an Int and equals no size: write
// KiB(1024 + 4).
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

    /// The moment so many seconds after the clock's zero.
    package static func at(_ seconds: UInt64) -> Moment { .zero + .seconds(seconds) }
}
