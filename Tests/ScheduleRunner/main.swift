// Plays random schedules of faults on a simulated guest: `schedules [COUNT [SEED]]`, 20,000 of them by default.
// `schedules host [COUNT [SEED]]` plays them on a simulated host. `schedules plans` times the planner.
//
// Each schedule has its own seed. The first one is printed, and the others count up from it; `schedules 1 SEED` plays
// one of them again. A schedule that fails is shrunk before it is shown. At the end a table shows how often each kind
// of fault happened. The last line is `N passed, N failed`.
import Glibc
import HostSimulation
import Simulation

if CommandLine.arguments.dropFirst().first == "plans" { exit(Plans.show() == 0 ? 0 : 1) }
let isHost = CommandLine.arguments.dropFirst().first == "host"
let arguments = CommandLine.arguments.dropFirst(isHost ? 2 : 1)
let count = arguments.first.map(Seeds.number(text:)) ?? 20_000
let first = arguments.dropFirst().first.map(Seeds.number(text:)) ?? UInt64.random(in: .min ... .max)
guard let count, let first, arguments.count <= 2 else {
    print("usage: schedules [host] [COUNT [SEED]]")
    exit(64)
}
print("\(count) schedules, seed \(Seeds.hex(first))")
var failed = 0
if isHost {
    for index in 0..<count {
        let schedule = HostSchedule(seed: first &+ index)
        guard let violation = schedule.violation() else { continue }
        let shrunk = schedule.shrunk(nil)
        let again = "schedules host 1 \(Seeds.hex(schedule.seed))"
        print("FAIL schedule \(index), again with: \(again)\n\(violation)")
        for event in shrunk.events { print("     \(event)") }
        failed += 1
        if failed == 10 { break }
    }
    print("\(Int(count) - failed) passed, \(failed) failed")
    exit(failed == 0 && count > 0 ? 0 : 1)
}
var tally = Tally()
for index in 0..<count {
    let seed = first &+ index
    var random = SeededGenerator(seed: seed)
    guard let wrong = SimulatedGuest.whatIsWrong(with: Schedule(&random), tally: &tally) else { continue }
    print("FAIL schedule \(index), again with: schedules 1 \(Seeds.hex(seed))\n\(wrong)")
    failed += 1
    // One bug can break a thousand schedules. Ten failures tell as much as a thousand.
    if failed == 10 { break }
}
let width = Tally.Kind.allCases.map(\.rawValue.count).max() ?? 0
for kind in Tally.Kind.allCases {
    print("     " + kind.rawValue + String(repeating: " ", count: width + 2 - kind.rawValue.count) + "\(tally[kind])")
}
// Among so many schedules each kind of fault must happen. Otherwise the schedules do not try what they should.
if failed == 0 && count >= 2_000 && !tally.missing.isEmpty {
    print("FAIL schedules: never came about: \(tally.missing.map(\.rawValue).joined(separator: ", "))")
    failed += 1
}
print("\(Int(count) - failed) passed, \(failed) failed")
exit(failed == 0 && count > 0 ? 0 : 1)
