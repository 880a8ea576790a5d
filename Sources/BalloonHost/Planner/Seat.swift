/// One vnode in a plan for one physical node. Sizes are KiB, none above ``largestKiB``.
public struct Seat: Equatable, Sendable {
    /// Sums of so many seats as a host can have stay far within 64 bits.
    public static let largestKiB: UInt64 = 1 << 42

    public var domain: UInt16
    public var vnode: Int
    /// The vnode's memory, balloon included.
    public var sizeKiB: UInt64
    /// The memory that it keeps.
    public var minKiB: UInt64
    /// The memory that it may have.
    public var maxKiB: UInt64
    /// What it has given or is about to give: its target or its balloon, whichever is larger.
    public var balloonKiB: UInt64
    /// Balloons are multiples of this.
    public var grainKiB: UInt64
    /// What its own guard misses: it needs memory more than others.
    public var shortKiB: UInt64

    public init(
        domain: UInt16, vnode: Int, sizeKiB: UInt64, minKiB: UInt64, maxKiB: UInt64, balloonKiB: UInt64,
        grainKiB: UInt64, shortKiB: UInt64 = 0
    ) {
        self.domain = domain
        self.vnode = vnode
        self.sizeKiB = sizeKiB
        self.minKiB = min(minKiB, sizeKiB)
        self.maxKiB = min(max(maxKiB, self.minKiB), sizeKiB)
        self.balloonKiB = min(balloonKiB, sizeKiB)
        self.grainKiB = max(1, grainKiB)
        self.shortKiB = shortKiB
    }

    /// The balloon as it is, in whole grains, rounded up.
    var startKiB: UInt64 { roundedUp(balloonKiB, to: grainKiB) }
    /// The largest balloon that leaves it its minimum.
    var largestBalloonKiB: UInt64 { (sizeKiB - minKiB) / grainKiB * grainKiB }
    /// The smallest balloon that keeps it within its maximum. Where grains are coarse the minimum wins.
    var smallestBalloonKiB: UInt64 { min(roundedUp(sizeKiB - maxKiB, to: grainKiB), largestBalloonKiB) }
    /// What it can still give.
    public var slackKiB: UInt64 { largestBalloonKiB > startKiB ? largestBalloonKiB - startKiB : 0 }
}

/// A balloon that a plan changes.
public struct Change: Equatable, Sendable {
    /// Of the seat, in the list that the plan was made from.
    public var seat: Int
    public var targetKiB: UInt64

    public init(seat: Int, targetKiB: UInt64) {
        self.seat = seat
        self.targetKiB = targetKiB
    }
}

func roundedUp(_ value: UInt64, to grain: UInt64) -> UInt64 { (value + grain - 1) / grain * grain }

/// `total * part / whole`, rounded down. The product has 128 bits; `part` is not more than `whole`, so the quotient fits.
func share(_ total: UInt64, _ part: UInt64, of whole: UInt64) -> UInt64 {
    whole.dividingFullWidth(total.multipliedFullWidth(by: part)).quotient
}

/// Shares `total` out in proportion to `weights`, exactly: what rounding leaves goes to the largest remainders, a unit each.
func shares(_ total: UInt64, weights: [UInt64]) -> [UInt64] {
    let whole = weights.reduce(0, +)
    guard whole > 0 else { return weights.map { _ in 0 } }
    var parts: [UInt64] = []
    var remainders: [(index: Int, rest: UInt64)] = []
    for (index, weight) in weights.enumerated() {
        let (quotient, rest) = whole.dividingFullWidth(total.multipliedFullWidth(by: weight))
        parts.append(quotient)
        remainders.append((index, rest))
    }
    remainders.sort { ($0.rest, $1.index) > ($1.rest, $0.index) }
    let left = total - parts.reduce(0, +)
    for remainder in remainders.prefix(Int(left)) { parts[remainder.index] += 1 }
    return parts
}
