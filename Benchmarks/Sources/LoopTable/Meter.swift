internal import CAllocations
internal import Loops

/// Measures how fast a loop is, and its counterpart in C.
///
/// The fastest turn of each counts, because other programs on the machine only make a turn slower. Swift and
/// C take turns, and so do all loops (``take(rounds:)``). So a program that runs for a second does not slow
/// down all turns of one loop.
struct Meter {
    let loop: Loop
    /// The nanoseconds of the fastest pass.
    private(set) var swift: Double = .infinity
    private(set) var c: Double?
    /// How many allocations all passes of Swift made.
    private(set) var allocations: UInt64 = 0
    private(set) var passes = 0
    private(set) var turns = 0
    private let repeats: Int

    init(_ loop: Loop) {
        self.loop = loop
        c = loop.c == nil ? nil : .infinity
        // A turn has so many passes that the precision of the clock does not matter.
        let once = min(Self.time(loop.swift, 1), Self.time(loop.swift, 1), Self.time(loop.swift, 1))
        repeats = max(1, Int(200_000 / once))
    }

    /// The speed of Swift as a share of that of C.
    var ratio: Double? { c.map { $0 / swift } }

    var isGoalMet: Bool {
        guard let goal = loop.goal, let ratio else { return true }
        switch goal {
        case .atLeast(let share): return ratio >= share
        case .above(let share): return ratio > share
        }
    }

    private mutating func turn() {
        // Swift comes first in every other turn.
        let isSwiftFirst = turns % 2 == 0
        if !isSwiftFirst { turnOfC() }
        let before = al_count()
        let time = Self.time(loop.swift, repeats)
        allocations += al_count() - before
        passes += repeats
        turns += 1
        swift = min(swift, time)
        if isSwiftFirst { turnOfC() }
    }

    private mutating func turnOfC() {
        if let best = c, let twin = loop.c { c = min(best, Self.time(twin, repeats)) }
    }

    static func take(rounds: Int, _ meters: inout [Meter]) {
        for _ in 0..<rounds {
            for index in meters.indices { meters[index].turn() }
        }
    }

    private static func time(_ pass: () -> UInt64, _ repeats: Int) -> Double {
        var sum: UInt64 = 0
        let start = ContinuousClock.now
        for _ in 0..<repeats { sum &+= pass() }
        let time = ContinuousClock.now - start
        // The sum never has this value. The comparison keeps the compiler from removing the passes.
        if sum == 0x9e37_79b9_7f4a_7c15 { print(sum) }
        return Double(time.components.attoseconds) / 1e9 / Double(repeats)
    }
}
