import Simulation
import Testing

@testable import BalloonCore
@testable import VNodeBalloon

/// The status line for the service manager.
@Suite struct ServiceStatusTests {
    @Test func `the status line says that xenstore does not answer, until it does again`() {
        var status = ServiceStatus()
        let states = [VNodeState(vnode: VNode(number: 0, linuxNode: 0, size: 32768), balloonFrames: 512)]
        let lines = [StoreCondition.open, .silent, .silent, .lost, .open].enumerated().map { index, condition in
            status.text(states, condition, now: .at(UInt64(index + 1)))
        }
        #expect(
            lines == ["following xenstore", "xenstore does not answer", nil, nil, "following xenstore"])
    }

    private func state(_ activity: VNodeActivity, _ frames: Frames, _ target: KiB?, _ reason: HeldReason? = nil)
        -> VNodeState
    {
        var state = VNodeState(
            vnode: VNode(number: 1, linuxNode: 0, size: 524_288), balloonFrames: frames, activity: activity)
        (state.target, state.reason) = (target, reason)
        return state
    }

    private func line(_ states: VNodeState...) -> String? {
        var status = ServiceStatus()
        return status.text(states, .open, now: 1)
    }

    @Test func `the status line says which vnode moves or is held, with its size and target`() {
        #expect(line(state(.inflating, 16_384, 131_072)) == "vnode 1: inflating, 64 of 128 MiB")
        #expect(
            line(state(.idle, 512, nil), state(.held, 512, 131_072, .guard)) == "vnode 1: held, 2 of 128 MiB (guard)")
        #expect(line(state(.held, 512, nil, .migrating)) == "vnode 1: held, 2 MiB (migrating)")
        var forced = state(.deflating, 16_384, 131_072)
        forced.forced = 0
        #expect(line(forced) == "vnode 1: deflating, 64 of 0 MiB")
        #expect(line(state(.idle, 32_768, 131_072)) == "following xenstore")
    }

    /// The move ends right after another line was sent. The loop must wake to send the last line.
    @Test func `a status line that comes too soon after another is due at the interval's end`() {
        var status = ServiceStatus()
        let (moving, idle) = (state(.inflating, 512, 131_072), state(.idle, 32_768, 131_072))
        var lines: [String?] = []
        var due: [Moment?] = []
        for (state, now) in [(moving, 5), (idle, 6), (idle, 5 + ServiceStatus.interval)] {
            lines.append(status.text([state], .open, now: now))
            due.append(status.due)
        }
        #expect(lines == ["vnode 1: inflating, 2 of 128 MiB", nil, "following xenstore"])
        #expect(due == [nil, 5 + ServiceStatus.interval, nil])
    }
}
