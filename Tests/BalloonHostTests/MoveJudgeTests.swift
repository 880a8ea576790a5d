import BalloonCore
import BalloonHost
import HostSimulation
import Simulation
import Testing

@Suite struct MoveJudgeTests {
    let host = SimulatedHost()

    private func judge(_ kib: KiB) throws -> MoveJudge {
        try host.bringUp(1)
        try host.engine.setTargets(host.domain(1), [1: kib])
        return MoveJudge([1: [1: kib]], host.snapshot(), now: .zero, stall: .seconds(5))
    }

    private func look(_ judge: inout MoveJudge, _ seconds: UInt64) -> MoveJudge.Verdict? {
        judge.look(host.snapshot(), now: .zero + .seconds(seconds))
        return judge.verdicts[1]
    }

    @Test func `a domain whose balloon is at its target has reached it`() throws {
        var judge = try judge(.mib(64))
        #expect(look(&judge, 1) == .moving && !judge.isOver)
        host.follow(1)
        #expect(look(&judge, 2) == .reached && judge.areAllReached)
    }

    @Test func `a domain that does not acknowledge its target within three seconds is deaf`() throws {
        var judge = try judge(.mib(64))
        #expect(look(&judge, 2) == .moving)
        #expect(look(&judge, 3) == .deaf)
    }

    @Test func `no patience runs while xenstore is silent`() throws {
        var judge = try judge(.mib(64))
        judge.look(host.snapshot(), now: .zero + .seconds(12), silence: .seconds(10))
        #expect(judge.verdicts[1] == .moving)
        host.move(1, 1, to: .mib(32), state: "inflating")
        judge.look(host.snapshot(), now: .zero + .seconds(13))
        judge.look(host.snapshot(), now: .zero + .seconds(23), silence: .seconds(6))
        #expect(judge.verdicts[1] == .moving)
        #expect(look(&judge, 24) == .stuck)
        // Of a guest's contradiction, too: it may have moved, and not have been able to say so.
        judge = MoveJudge([1: [1: .mib(64)]], host.snapshot(), now: .zero, stall: .seconds(5))
        host.say(1, 1, size: .mib(64))
        #expect(look(&judge, 1) == .moving)
        judge.look(host.snapshot(), now: .zero + .seconds(11), silence: .seconds(10))
        #expect(judge.verdicts[1] == .moving)
        #expect(look(&judge, 13) == .contradicts(claims: 65_536, xenSays: 32_768))
    }

    @Test func `a domain is stuck after five seconds without progress, however long it has moved`() throws {
        var judge = try judge(.mib(128))
        for second in UInt64(1)...20 {
            host.move(1, 1, to: .mib(2 * second), state: "inflating")
            #expect(look(&judge, second * 4) == .moving)
        }
        #expect(look(&judge, 84) == .moving)
        #expect(look(&judge, 85) == .stuck)
    }

    @Test func `a single page a second does not count as progress`() throws {
        var judge = try judge(.mib(128))
        host.move(1, 1, to: 2048, state: "inflating")
        #expect(look(&judge, 1) == .moving)
        for second in UInt64(2)...5 {
            host.xen.facts[1].pages -= 1
            #expect(look(&judge, second) == .moving)
        }
        #expect(look(&judge, 6) == .stuck)
    }

    @Test func `a guest that goes up and down is stuck after five seconds like one that stands still`() throws {
        var judge = try judge(.mib(128))
        host.move(1, 1, to: .mib(32), state: "inflating")
        #expect(look(&judge, 1) == .moving)
        for second in UInt64(2)...5 {
            host.move(1, 1, to: .mib(second % 2 == 0 ? 30 : 32), state: "inflating")
            #expect(look(&judge, second) == .moving)
        }
        #expect(look(&judge, 6) == .stuck)
    }

    @Test func `vnodes that move in opposite directions make progress though Xen's count stays`() throws {
        try host.bringUp(1)
        host.move(1, 0, to: .mib(128))
        try host.engine.setTargets(host.domain(1), [0: 0, 1: .mib(128)])
        var judge = MoveJudge([1: [0: 0, 1: .mib(128)]], host.snapshot(), now: .zero, stall: .seconds(5))
        for second in UInt64(1)...8 {
            host.move(1, 1, to: .mib(2 * second), state: "inflating")
            #expect(look(&judge, second * 6 - 3) == .moving)
            host.move(1, 0, to: .mib(128 - 2 * second), state: "deflating")
            #expect(look(&judge, second * 6) == .moving)
        }
    }

    @Test func `a domain is judged held only when it is held at the target that was written`() throws {
        var judge = try judge(.mib(128))
        host.say(1, 1, size: 0, target: "0", state: "held", reason: "guard")
        #expect(look(&judge, 1) == .moving)
        host.move(1, 1, to: 2048, state: "held", reason: "guard")
        #expect(look(&judge, 2) == .held(vnode: 1, .guard, at: 2048))
    }

    @Test func `a balloon size that Xen's count contradicts for three seconds is judged a contradiction`() throws {
        var judge = try judge(.mib(128))
        host.move(1, 1, to: .mib(96))
        host.say(1, 1, size: .mib(128))
        #expect(look(&judge, 1) == .moving)
        #expect(look(&judge, 3) == .contradicts(claims: 131_072, xenSays: 98_304))
    }

    @Test func `a deflate held back by a claim is waited for, and then judged claimed`() throws {
        try host.bringUp(1)
        try host.engine.setTargets(host.domain(1), [1: .mib(64)])
        host.follow(1)
        try host.engine.setTargets(host.domain(1), [1: 0])
        host.xen.claimedPages = 622_868
        var judge = MoveJudge([1: [1: 0]], host.snapshot(), now: .zero, stall: .seconds(5))
        host.move(1, 1, to: .mib(60), state: "held", reason: "pnode-full")
        #expect(look(&judge, 1) == .moving)
        #expect(look(&judge, 6) == .claimed(vnode: 1, claimedPages: 622_868, at: .mib(60)))
    }

    @Test func `a full physical node is waited for, for the guest's longest back-off, while memory is free`() throws {
        try host.bringUp(1)
        try host.engine.setTargets(host.domain(1), [1: .mib(64)])
        host.follow(1)
        try host.engine.setTargets(host.domain(1), [1: 0])
        var judge = MoveJudge([1: [1: 0]], host.snapshot(), now: .zero, stall: .seconds(5))
        host.move(1, 1, to: .mib(60), state: "held", reason: "pnode-full")
        #expect(look(&judge, 1) == .moving)
        #expect(look(&judge, 60) == .moving)
        host.xen.free[1] = 0
        var full = judge
        #expect(look(&full, 61) == .held(vnode: 1, .pnodeFull, at: .mib(60)))
        host.xen.free[1] = .gib(1)
        #expect(look(&judge, 66) == .held(vnode: 1, .pnodeFull, at: .mib(60)))
    }

    @Test func `a destroyed domain is judged gone, and a target written by another program superseded`() throws {
        var judge = try judge(.mib(64))
        host.store["/local/domain/1/memory/vnode1/target-balloon-size"] = "0"
        var other = judge
        #expect(look(&other, 1) == .superseded(vnode: 1))
        host.destroy(1)
        #expect(look(&judge, 1) == .gone)
    }

    @Test func `a judge that follows waits for the target that another program writes`() throws {
        var judge = try judge(.mib(128))
        judge = MoveJudge([1: [1: .mib(128)]], host.snapshot(), now: .zero, stall: .seconds(5), follows: true)
        host.move(1, 1, to: .mib(32), state: "inflating")
        #expect(look(&judge, 1) == .moving)
        try host.engine.setTargets(host.domain(1), [1: .mib(64)])
        #expect(look(&judge, 4) == .moving)
        #expect(judge.goals == [1: [1: .mib(64)]])
        host.follow(1)
        #expect(look(&judge, 5) == .reached)
    }

    @Test func `a judge that follows gives nobody more patience because of new targets`() throws {
        var judge = try judge(.mib(128))
        judge = MoveJudge([1: [1: .mib(128)]], host.snapshot(), now: .zero, stall: .seconds(5), follows: true)
        host.move(1, 1, to: .mib(32), state: "inflating")
        #expect(look(&judge, 1) == .moving)
        for second in UInt64(2)...5 {
            try host.engine.setTargets(host.domain(1), [1: .mib(100 + 2 * second)])
            #expect(look(&judge, second) == .moving)
        }
        #expect(look(&judge, 6) == .stuck)
    }
}
