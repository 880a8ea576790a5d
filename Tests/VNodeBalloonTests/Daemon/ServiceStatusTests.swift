import Testing

@testable import VNodeBalloon

/// The line for the service manager.
@Suite struct ServiceStatusTests {
    @Test func aXenstoreThatDoesNotAnswerIsTold() {
        var status = ServiceStatus()
        let second: UInt64 = 1_000_000_000
        let states = [VNodeState(vnode: VNode(number: 0, linuxNode: 0, sizeKiB: 32768), balloonFrames: 512)]
        let lines = [StoreCondition.open, .silent, .silent, .lost, .open].enumerated().map { index, condition in
            status.text(states, condition, now: UInt64(index + 1) * second)
        }
        #expect(
            lines == ["following xenstore", "xenstore does not answer", nil, nil, "following xenstore"])
    }
}
