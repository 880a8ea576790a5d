import Simulation
import Testing

@Suite struct ScheduleTests {
    /// Whatever others do and wherever the process is killed: nothing is corrupted or lost, and every balloon arrives.
    @Test func anyScheduleEndsWell() {
        property("schedules", cases: 600) { random in
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
