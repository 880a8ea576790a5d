/// One vnode in a plan for one physical node. None of its sizes is above ``largest``.
public struct Seat: Equatable, Sendable {
    /// The largest size. Sums over all the seats that a host can have stay far within 64 bits.
    public static let largest = KiB(1 << 42)

    public var domain: UInt16
    public var vnode: Int
    /// The vnode's memory, including the balloon.
    public var size: KiB
    /// The least memory that it keeps.
    public var minimum: KiB
    /// The most memory that it may have.
    public var maximum: KiB
    /// How much it has given or is about to give: the larger of its target and its balloon.
    public var balloon: KiB
    /// Balloons are multiples of this.
    public var grain: KiB
    /// How much its own guard lacks. With more than 0 it needs memory more urgently than other seats.
    public var short: KiB
    /// Its guard holds it: it can give no more now.
    public var isHeld = false

    public init(
        domain: UInt16, vnode: Int, size: KiB, minimum: KiB, maximum: KiB, balloon: KiB,
        grain: KiB, short: KiB = .zero
    ) {
        self.domain = domain
        self.vnode = vnode
        self.size = size
        self.minimum = min(minimum, size)
        self.maximum = min(max(maximum, self.minimum), size)
        self.balloon = min(balloon, size)
        self.grain = max(KiB(1), grain)
        self.short = short
    }

    /// The present balloon, rounded up to whole grains.
    var start: KiB { balloon.roundedUp(to: grain) }
    /// The largest balloon that leaves it its minimum.
    package var largestBalloon: KiB { (size - minimum).roundedDown(to: grain) }
    /// The smallest balloon that keeps it within its maximum. If coarse grains allow only one of the two, the minimum
    /// wins.
    var smallestBalloon: KiB { min((size - maximum).roundedUp(to: grain), largestBalloon) }
    /// How much it can still give.
    public var slack: KiB { largestBalloon.less(start) }
}

/// A balloon that a plan changes.
public struct Change: Equatable, Sendable {
    /// The index of the seat in the list that the plan was made from.
    public var seat: Int
    public var target: KiB

    public init(seat: Int, target: KiB) {
        self.seat = seat
        self.target = target
    }
}

/// `total * part / whole`, rounded down. The product has 128 bits. The quotient fits, because `part` is not above
/// `whole`.
func proportion(_ total: KiB, _ part: KiB, of whole: KiB) -> KiB {
    KiB(whole.count.dividingFullWidth(total.count.multipliedFullWidth(by: part.count)).quotient)
}

/// Shares `total` out in proportion to `weights`, exactly: the KiB that rounding leaves go to the largest remainders,
/// one each.
package func shares(_ total: KiB, weights: [KiB]) -> [KiB] {
    let whole = weights.reduce(.zero, +)
    guard whole > .zero else { return weights.map { _ in .zero } }
    var parts: [KiB] = []
    var remainders: [(index: Int, rest: UInt64)] = []
    for (index, weight) in weights.enumerated() {
        let (quotient, rest) = whole.count.dividingFullWidth(total.count.multipliedFullWidth(by: weight.count))
        parts.append(KiB(quotient))
        remainders.append((index, rest))
    }
    remainders.sort { ($0.rest, $1.index) > ($1.rest, $0.index) }
    let left = total - parts.reduce(.zero, +)
    for remainder in remainders.prefix(Int(left.count)) { parts[remainder.index] += KiB(1) }
    return parts
}
