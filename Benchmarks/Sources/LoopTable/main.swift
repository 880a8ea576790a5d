// Compares the hot loops with their counterparts in C. Prints the table on standard output and the checks on standard
// error. The last line there is `N passed, N failed`.
//
//   LoopTable VERSION [ROUNDS]    VERSION: of the Swift compiler, for the table
internal import CAllocations
internal import Loops

let arguments = CommandLine.arguments.dropFirst()
let rounds = arguments.dropFirst().first.flatMap { Int($0) } ?? 101
var checks = Checks()

let counted = al_count()
let kept = (1...3).map { [UInt64](repeating: 1, count: 1000 * $0) }
checks.check("an allocation is counted", al_count() - counted >= UInt64(kept.count))

let loops = Loop.all([Loop.few, Loop.many])
for loop in loops where loop.c != nil {
    checks.check("\(loop.name), \(loop.input): Swift and C find the same", loop.twinsAgree())
}

var meters = loops.map { Meter($0) }
Meter.take(rounds: rounds, &meters)
// A goal may be missed because the machine was busy. More turns help then; they do not help a slow loop.
for _ in 0..<3 where !meters.allSatisfy({ $0.isGoalMet }) { Meter.take(rounds: rounds, &meters) }
for meter in meters {
    let name = "\(meter.loop.name), \(meter.loop.input)"
    checks.check("\(name): \(meter.allocations) allocations in \(meter.passes) passes", meter.allocations == 0)
    guard let goal = meter.loop.goal, let ratio = meter.ratio else { continue }
    checks.check("\(name): \(decimal(ratio, 3)) of C, \(Report.text(goal))", meter.isGoalMet)
}
print(Report(swiftVersion: arguments.first ?? "Swift of unknown version").markdown(meters))
checks.end()
