import HostSimulation
import Testing

/// `.build/release/schedules host 20000` runs many more.
@Suite struct HostScheduleTests {
    @Test func `random schedules hold`() {
        let first = UInt64.random(in: .min ... .max)
        print("host schedules: 40, seed 0x\(String(first, radix: 16))")
        for index in 0..<UInt64(40) {
            let schedule = HostSchedule(seed: first &+ index)
            if let violation = schedule.violation() {
                let shrunk = schedule.shrunk(nil)
                Issue.record(
                    "seed 0x\(String(schedule.seed, radix: 16)): \(violation); \(shrunk.guests) guests, \(shrunk.events)"
                )
                return
            }
        }
    }

    @Test(arguments: HostBug.allCases) func `planted bugs are found`(bug: HostBug) {
        let isFound = (0..<UInt64(120)).contains { HostSchedule(seed: $0).violation(bug) != nil }
        #expect(isFound)
    }
}
