/// A plan that frees an amount of memory on one physical node. Pure and exact: the same input makes the same plan.
public struct FreePlan: Equatable, Sendable {
    /// Who gives.
    public enum Spread: String, CaseIterable, Sendable {
        /// As few guests as can do it: those that can give most.
        case fewest
        /// All that can give.
        case even
    }

    /// In the order of the seats.
    public var changes: [Change] = []
    /// What comes free: what was asked for, and less than one grain more.
    public var given: KiB = .zero
    /// What is missing although all seats give what they can.
    public var short: KiB = .zero

    /// - Parameter need: what is to come free.
    public init(freeing need: KiB, from seats: [Seat], spread: Spread = .fewest) {
        let slack = seats.map(\.slack)
        let givers = Self.givers(need, seats, slack, spread)
        let all = givers.reduce(.zero) { $0 + slack[$1] }
        let want = min(need, all)
        short = need - want
        guard want > .zero else { return }
        var parts = Self.parts(want, of: all, seats, slack, givers)
        Self.giveRest(want - parts.reduce(.zero) { $0 + $1.kib }, &parts, seats, slack)
        changes = parts.filter { $0.kib > .zero }.sorted { $0.seat < $1.seat }.map {
            Change(seat: $0.seat, target: seats[$0.seat].start + $0.kib)
        }
        given = parts.reduce(.zero) { $0 + $1.kib }
    }

    /// What one seat gives.
    private struct Part {
        var seat: Int
        var kib: KiB
        /// What rounding down to whole grains left.
        var rest: KiB
    }

    /// The seats that take part. The largest slack first: no smaller set of guests has enough.
    private static func givers(_ need: KiB, _ seats: [Seat], _ slack: [KiB], _ spread: Spread) -> [Int] {
        let able = seats.indices.filter { slack[$0] > .zero }
        if spread == .even { return able }
        var ofDomain: [UInt16: KiB] = [:]
        for index in able { ofDomain[seats[index].domain, default: .zero] += slack[index] }
        let order = ofDomain.sorted { ($0.value, $1.key) > ($1.value, $0.key) }
        var (chosen, sum): (Set<UInt16>, KiB) = ([], .zero)
        for (domain, kib) in order where sum < need {
            chosen.insert(domain)
            sum += kib
        }
        return able.filter { chosen.contains(seats[$0].domain) }
    }

    /// In proportion to slack, in whole grains; the largest remainders come first.
    private static func parts(
        _ want: KiB, of all: KiB, _ seats: [Seat], _ slack: [KiB], _ givers: [Int]
    ) -> [Part] {
        let parts = givers.map { index -> Part in
            let exact = proportion(want, slack[index], of: all)
            let kib = exact.roundedDown(to: seats[index].grain)
            return Part(seat: index, kib: kib, rest: exact - kib)
        }
        func place(_ part: Part) -> (UInt16, Int) { (seats[part.seat].domain, seats[part.seat].vnode) }
        return parts.sorted { $0.rest != $1.rest ? $0.rest > $1.rest : place($0) < place($1) }
    }

    /// What rounding left: a grain each, then all that fits, and at the very end one grain that is more than what is left, the
    /// smallest of any seat.
    private static func giveRest(_ rest: KiB, _ parts: inout [Part], _ seats: [Seat], _ slack: [KiB]) {
        var left = rest
        func room(_ part: Part) -> KiB { slack[part.seat] - part.kib }
        for most in [1, UInt64.max] {
            for index in parts.indices {
                let grain = seats[parts[index].seat].grain
                let kib = grain * min(most, left / grain, room(parts[index]) / grain)
                parts[index].kib += kib
                left -= kib
            }
        }
        guard left > .zero else { return }
        let last = parts.indices.filter { room(parts[$0]) > .zero }.min {
            (seats[parts[$0].seat].grain, $0) < (seats[parts[$1].seat].grain, $1)
        }
        if let last { parts[last].kib += seats[parts[last].seat].grain }
    }
}
