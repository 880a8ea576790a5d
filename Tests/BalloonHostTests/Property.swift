import Glibc
import Simulation
import Testing

/// What a property found wrong.
struct Falsified: Error, CustomStringConvertible { let description: String }

/// Ends a property's case unless `condition` holds.
func demand(_ condition: Bool, _ why: @autoclosure () -> String) throws {
    if !condition { throw Falsified(description: why()) }
}

/// The first seed that `body` fails with, and why. Every run has seeds of its own, which are printed; with SEED=0x... in the
/// environment only that case runs.
func counterexample(
    _ name: String, cases: Int, _ body: (inout SeededGenerator) throws -> Void
) -> String? {
    let replayed = environment("SEED")
    let first = replayed ?? UInt64.random(in: .min ... .max)
    print("\(name): \(replayed == nil ? cases : 1) cases, seed 0x\(String(first, radix: 16))")
    for index in 0..<(replayed == nil ? cases : 1) {
        let seed = first &+ UInt64(index)
        var generator = SeededGenerator(seed: seed)
        do { try body(&generator) } catch {
            return "\(name), case \(index), replay with SEED=0x\(String(seed, radix: 16)): \(error)"
        }
    }
    return nil
}

private func environment(_ name: String) -> UInt64? {
    // Unsafe: C's text is copied before anybody could change the environment; nothing here does.
    guard let text = unsafe getenv(name) else { return nil }
    let digits = unsafe String(cString: text)
    return digits.hasPrefix("0x") ? UInt64(digits.dropFirst(2), radix: 16) : UInt64(digits)
}
