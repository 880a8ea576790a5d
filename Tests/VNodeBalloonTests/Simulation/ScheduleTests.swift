import Simulation
import Testing

@Suite struct ScheduleTests {
    /// Whatever others do and wherever the process is killed: nothing is corrupted or lost, and every balloon arrives.
    @Test(arguments: 1...4) func anyScheduleEndsWell(_ part: Int) {
        property("schedules, part \(part)", cases: 500) { random in
            let schedule = Schedule(&random)
            do { try SimulatedGuest.play(schedule) } catch {
                let small = schedule.shrunk { smaller in (try? SimulatedGuest.play(smaller)) == nil }
                var why = "\(error)"
                do { try SimulatedGuest.play(small, isTracing: true) } catch { why = "\(error)" }
                throw Falsified(
                    description: "\(why)\n  layout \(small.layout)\n  goals \(small.goals)\n  events \(small.events)")
            }
        }
    }
}
