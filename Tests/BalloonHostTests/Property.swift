import Simulation
import Testing

/// A violation of a property, in words.
struct Falsified: Error, CustomStringConvertible { let description: String }

/// Ends a property's case unless `condition` holds.
func demand(_ condition: Bool, _ why: @autoclosure () -> String) throws {
    if !condition { throw Falsified(description: why()) }
}

/// Runs `body` with the seeds that ``Seeds`` says. Returns the first seed that `body` throws for, with the error.
func counterexample(
    _ name: String, cases: Int, _ body: (inout SeededGenerator) throws -> Void
) -> String? {
    let (first, count) = (Seeds.first(of: name), Seeds.replayed == nil ? cases : 1)
    print("\(name): \(count) cases, seed \(Seeds.hex(first))")
    for index in 0..<count {
        let seed = first &+ UInt64(index)
        var generator = SeededGenerator(seed: seed)
        do { try body(&generator) } catch {
            return "\(name), case \(index), replay with SEED=\(Seeds.hex(seed)): \(error)"
        }
    }
    return nil
}
