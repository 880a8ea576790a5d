import Simulation
import Testing

/// What a property found wrong.
struct Falsified: Error, CustomStringConvertible { let description: String }

/// Ends a property's case unless `condition` holds.
func demand(_ condition: Bool, _ why: @autoclosure () -> String) throws {
    if !condition { throw Falsified(description: why()) }
}

/// The first seed that `body` fails with, and why. Which cases are tried says ``Seeds``.
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
