import Simulation
import Testing
import VNodeBalloon

/// Schedules that once went wrong, as small as they could be made. The random ones may never meet them again.
@Suite struct FoundScheduleTests {
    /// The removed file was due to be made anew, nothing could be known without the holder, and the loop came again at
    /// once, for as long as the holder was silent.
    @Test func `a removed file whose holder is stopped does not make the loop spin`() throws {
        let layout = Layout(pnodes: [0, 0], blocksPerVNode: 14, hostFreeFrames: 2470)
        let events: [Schedule.Event] = [
            .target(vnode: 1, extents: 10), .run(turns: 11), .storeConflicts(times: 8),
            .replacePage(vnode: 1, slot: 7, isFilled: true), .removeFile(vnode: 0), .stopHolder, .run(turns: 11),
            .replaceFile(vnode: 1),
        ]
        var tally = Tally()
        try SimulatedGuest.play(Schedule(layout: layout, events: events, goals: [10, 3]), tally: &tally)
    }
}
