import Glibc
import Simulation
import Testing

/// What a property found wrong.
struct Falsified: Error, CustomStringConvertible {
    let description: String
}

/// Ends a property's case unless `condition` holds.
func demand(_ condition: Bool, _ why: @autoclosure () -> String) throws {
    if !condition { throw Falsified(description: why()) }
}

/// Tries `body` with many random cases, each from a seed of its own, and reports the first that fails.
///
/// The seed of every run is new and printed. With SEED=0x... in the environment, only that case runs; with TIMES=10,
/// ten times as many; with SHARE=10, a tenth of them, for slow builds.
func property(
    _ name: String, cases: Int, location: SourceLocation = #_sourceLocation,
    _ body: (inout SeededGenerator) throws -> Void
) {
    let first = replayedSeed ?? UInt64.random(in: .min ... .max)
    let wanted = cases * Int(number("TIMES") ?? 1) / Int(number("SHARE") ?? 1)
    let count = replayedSeed == nil ? max(1, wanted) : 1
    print("\(name): \(count) cases, seed \(hex(first))")
    for index in 0..<count {
        let seed = first &+ UInt64(index)
        var generator = SeededGenerator(seed: seed)
        do {
            try body(&generator)
        } catch {
            Issue.record("\(name), case \(index), replay with SEED=\(hex(seed)): \(error)", sourceLocation: location)
            return
        }
    }
}

/// All cases of a list; with SHARE=10 in the environment every tenth of them, for slow builds.
func shareOf(_ cases: Range<Int>) -> StrideTo<Int> {
    stride(from: cases.lowerBound, to: cases.upperBound, by: Int(number("SHARE") ?? 1))
}

private let replayedSeed = number("SEED")

/// A number in the environment, with 0x in front also a hexadecimal one.
private func number(_ name: String) -> UInt64? {
    // Unsafe: C's text is copied before anybody could change the environment; nothing here does.
    guard let text = unsafe getenv(name) else { return nil }
    let digits = unsafe String(cString: text)
    return digits.hasPrefix("0x") ? UInt64(digits.dropFirst(2), radix: 16) : UInt64(digits)
}

func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
