import HostSimulation
import Simulation
import Testing

/// `.build/release/schedules host 20000` runs many more.
@Suite struct HostScheduleTests {
    @Test func `random schedules of a host violate no invariant`() {
        let first = Seeds.first(of: "host schedules")
        print("host schedules: 40, seed \(Seeds.hex(first))")
        for index in 0..<UInt64(40) {
            let schedule = HostSchedule(seed: first &+ index)
            if let violation = schedule.violation() {
                let shrunk = schedule.shrunk(nil)
                Issue.record(
                    "seed \(Seeds.hex(schedule.seed)): \(violation); \(shrunk.guests) guests, \(shrunk.events)"
                )
                return
            }
        }
    }

    @Test(arguments: HostBug.allCases) func `a bug planted in the simulated host is found by a schedule`(bug: HostBug) {
        let isFound = (0..<UInt64(120)).contains { HostSchedule(seed: $0).violation(bug) != nil }
        #expect(isFound)
    }
}
