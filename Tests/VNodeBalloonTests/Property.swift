import Simulation
import Testing

/// A violation of a property, in words.
struct Falsified: Error, CustomStringConvertible {
    let description: String
}

/// Ends a property's case unless `condition` holds.
func demand(_ condition: Bool, _ why: @autoclosure () -> String) throws {
    if !condition { throw Falsified(description: why()) }
}

/// Runs `body` with many random cases, each with its own seed, and reports the first one that fails.
///
/// ``Seeds`` says which cases those are. TIMES=10 in the environment means ten times as many, SHARE=10 a tenth
/// of them, for slow builds.
func property(
    _ name: String, cases: Int, location: SourceLocation = #_sourceLocation,
    _ body: (inout SeededGenerator) throws -> Void
) {
    let first = Seeds.first(of: name)
    let wanted = cases * Int(Seeds.number("TIMES") ?? 1) / Int(Seeds.number("SHARE") ?? 1)
    let count = Seeds.replayed == nil ? max(1, wanted) : 1
    print("\(name): \(count) cases, seed \(Seeds.hex(first))")
    for index in 0..<count {
        let seed = first &+ UInt64(index)
        var generator = SeededGenerator(seed: seed)
        do {
            try body(&generator)
        } catch {
            Issue.record(
                "\(name), case \(index), replay with SEED=\(Seeds.hex(seed)): \(error)", sourceLocation: location)
            return
        }
    }
}

/// All cases in a range; with SHARE=10 in the environment every tenth of them, for slow builds.
func shareOf(_ cases: Range<Int>) -> StrideTo<Int> {
    stride(from: cases.lowerBound, to: cases.upperBound, by: Int(Seeds.number("SHARE") ?? 1))
}
