package import BalloonCore

// Tests are full of sizes, and a number alone is KiB, or frames, there. The product's code has to say the unit.
extension KiB: ExpressibleByIntegerLiteral {
    package init(integerLiteral count: UInt64) { self.init(count) }
}

extension Frames: ExpressibleByIntegerLiteral {
    package init(integerLiteral count: UInt64) { self.init(count) }
}
