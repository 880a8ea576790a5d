/// One thing that every implementation of a hypervisor, a reserve or a mover must do.
public struct Check {
    public let name: String
    let body: (Subject) throws -> Void

    init(_ name: String, _ body: @escaping (Subject) throws -> Void) {
        self.name = name
        self.body = body
    }

    /// All checks.
    public static var all: [Check] { hypervisor + partial + reserve + moving + meddling }

    /// Runs the check. It must leave nothing behind: afterwards the reservation, the slots and the pools are compared,
    /// too.
    /// - Returns: passed, failed or skipped, and why.
    public func run(_ subject: Subject) -> Result {
        do {
            let before = try subject.figures()
            do { try body(subject) } catch let skip as Skipped { return .skipped(skip.why) }
            let after = try subject.figures()
            return before == after ? .passed : .failed("the guest was left changed: \(after) instead of \(before)")
        } catch {
            return .failed("\(error)")
        }
    }

    public enum Result: Equatable, Sendable {
        case passed
        case failed(String)
        /// The check cannot be tried on this machine.
        case skipped(String)
    }
}

/// Why a check failed.
struct Failure: Error, CustomStringConvertible {
    let description: String
}

struct Skipped: Error {
    let why: String
}

/// Ends a check unless `actual` is what it should be.
func expect<T: Equatable>(_ actual: T, _ expected: T, _ what: @autoclosure () -> String) throws {
    if actual != expected { throw Failure(description: "\(what()): \(actual), expected \(expected)") }
}

func expect(_ condition: Bool, _ what: @autoclosure () -> String) throws {
    if !condition { throw Failure(description: what()) }
}
