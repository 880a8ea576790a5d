import Simulation
import Testing

@Suite struct ScheduleTests {
    /// Whatever others do and wherever the process is killed: nothing is corrupted or lost, and every balloon arrives.
    /// `schedules` plays many more of them.
    @Test(arguments: 1...4) func `any random schedule of faults ends without a violation`(_ part: Int) {
        property("schedules, part \(part)", cases: 500) { random in
            var tally = Tally()
            if let wrong = SimulatedGuest.whatIsWrong(with: Schedule(&random), tally: &tally) {
                throw Falsified(description: wrong)
            }
        }
    }
}
