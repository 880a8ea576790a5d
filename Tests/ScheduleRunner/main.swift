// Plays random schedules of faults on a simulated guest: `schedules [COUNT [SEED]]`, 20,000 where nothing else is said.
//
// Each schedule has a seed of its own, counted up from the first, which is printed; `schedules 1 SEED` plays one again.
// A schedule that fails is shrunk before it is shown. The last line is `N passed, N failed`.
import Glibc
import Simulation

func number(_ text: String) -> UInt64? {
    text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
}

let arguments = CommandLine.arguments.dropFirst()
let count = arguments.first.map(number) ?? 20_000
let first = arguments.dropFirst().first.map(number) ?? UInt64.random(in: .min ... .max)
guard let count, let first, arguments.count <= 2 else {
    print("usage: schedules [COUNT [SEED]]")
    exit(64)
}
print("\(count) schedules, seed 0x\(String(first, radix: 16))")
var failed = 0
for index in 0..<count {
    let seed = first &+ index
    var random = SeededGenerator(seed: seed)
    guard let wrong = SimulatedGuest.whatIsWrong(with: Schedule(&random)) else { continue }
    print("FAIL schedule \(index), again with: schedules 1 0x\(String(seed, radix: 16))\n\(wrong)")
    failed += 1
    // What one bug does to a thousand schedules tells no more than ten of them.
    if failed == 10 { break }
}
print("\(Int(count) - failed) passed, \(failed) failed")
exit(failed == 0 && count > 0 ? 0 : 1)
