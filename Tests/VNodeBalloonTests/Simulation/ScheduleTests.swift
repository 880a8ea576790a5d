import Simulation
import Testing

@Suite struct ScheduleTests {
    /// Whatever other programs do, and wherever the process is killed: no memory is corrupted or lost, and every
    /// balloon reaches its target. `schedules` plays many more schedules.
    @Test(arguments: 1...4) func `any random schedule of faults ends without a violation`(_ part: Int) {
        property("schedules, part \(part)", cases: 500) { random in
            var tally = Tally()
            if let wrong = SimulatedGuest.whatIsWrong(with: Schedule(&random), tally: &tally) {
                throw Falsified(description: wrong)
            }
        }
    }
}
