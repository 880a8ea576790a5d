/// How to free so much memory of one physical node. Pure, exact, the same for the same input.
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
    public var givenKiB: UInt64 = 0
    /// What is missing although everybody gives all that they can.
    public var shortKiB: UInt64 = 0

    /// - Parameter needKiB: what is to come free.
    public init(freeing needKiB: UInt64, from seats: [Seat], spread: Spread = .fewest) {
        let slack = seats.map(\.slackKiB)
        let givers = Self.givers(needKiB, seats, slack, spread)
        let all = givers.reduce(0) { $0 + slack[$1] }
        let want = min(needKiB, all)
        shortKiB = needKiB - want
        guard want > 0 else { return }
        var parts = Self.parts(want, of: all, seats, slack, givers)
        Self.giveRest(want - parts.reduce(0) { $0 + $1.kib }, &parts, seats, slack)
        changes = parts.filter { $0.kib > 0 }.sorted { $0.seat < $1.seat }.map {
            Change(seat: $0.seat, targetKiB: seats[$0.seat].startKiB + $0.kib)
        }
        givenKiB = parts.reduce(0) { $0 + $1.kib }
    }

    /// What one seat gives.
    private struct Part {
        var seat: Int
        var kib: UInt64
        /// What rounding down to whole grains left.
        var rest: UInt64
    }

    /// The seats that take part. The largest slack first: no smaller set of guests has enough.
    private static func givers(_ need: UInt64, _ seats: [Seat], _ slack: [UInt64], _ spread: Spread) -> [Int] {
        let able = seats.indices.filter { slack[$0] > 0 }
        if spread == .even { return able }
        var ofDomain: [UInt16: UInt64] = [:]
        for index in able { ofDomain[seats[index].domain, default: 0] += slack[index] }
        let order = ofDomain.sorted { ($0.value, $1.key) > ($1.value, $0.key) }
        var (chosen, sum): (Set<UInt16>, UInt64) = ([], 0)
        for (domain, kib) in order where sum < need {
            chosen.insert(domain)
            sum += kib
        }
        return able.filter { chosen.contains(seats[$0].domain) }
    }

    /// In proportion to slack, in whole grains; the largest remainders come first.
    private static func parts(
        _ want: UInt64, of all: UInt64, _ seats: [Seat], _ slack: [UInt64], _ givers: [Int]
    ) -> [Part] {
        let parts = givers.map { index -> Part in
            let exact = share(want, slack[index], of: all)
            let kib = exact / seats[index].grainKiB * seats[index].grainKiB
            return Part(seat: index, kib: kib, rest: exact - kib)
        }
        func place(_ part: Part) -> (UInt16, Int) { (seats[part.seat].domain, seats[part.seat].vnode) }
        return parts.sorted { $0.rest != $1.rest ? $0.rest > $1.rest : place($0) < place($1) }
    }

    /// What rounding left: a grain each, then all that fits, and at the very end one grain that is more than what is left, the
    /// smallest that somebody has.
    private static func giveRest(_ rest: UInt64, _ parts: inout [Part], _ seats: [Seat], _ slack: [UInt64]) {
        var left = rest
        func room(_ part: Part) -> UInt64 { slack[part.seat] - part.kib }
        for most in [1, UInt64.max] {
            for index in parts.indices {
                let grain = seats[parts[index].seat].grainKiB
                let kib = min(most, left / grain, room(parts[index]) / grain) * grain
                parts[index].kib += kib
                left -= kib
            }
        }
        guard left > 0 else { return }
        let last = parts.indices.filter { room(parts[$0]) > 0 }.min {
            (seats[parts[$0].seat].grainKiB, $0) < (seats[parts[$1].seat].grainKiB, $1)
        }
        if let last { parts[last].kib += seats[parts[last].seat].grainKiB }
    }
}
