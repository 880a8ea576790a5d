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

    @Test func `there is there`() throws {
        var judge = try judge(.mib(64))
        #expect(look(&judge, 1) == .moving && !judge.isOver)
        host.follow(1)
        #expect(look(&judge, 2) == .reached && judge.areAllReached)
    }

    @Test func `deaf after three seconds, but not while it moves`() throws {
        var judge = try judge(.mib(64))
        #expect(look(&judge, 2) == .moving)
        #expect(look(&judge, 3) == .deaf)
    }

    @Test func `only time without progress counts`() throws {
        var judge = try judge(.mib(128))
        for second in UInt64(1)...20 {
            host.move(1, 1, to: .mib(2 * second), state: "inflating")
            #expect(look(&judge, second * 4) == .moving)
        }
        #expect(look(&judge, 84) == .moving)
        #expect(look(&judge, 85) == .stuck)
    }

    @Test func `a page now and then is no progress`() throws {
        var judge = try judge(.mib(128))
        host.move(1, 1, to: 2048, state: "inflating")
        #expect(look(&judge, 1) == .moving)
        for second in UInt64(2)...5 {
            host.xen.facts[1].pages -= 1
            #expect(look(&judge, second) == .moving)
        }
        #expect(look(&judge, 6) == .stuck)
    }

    @Test func `held is an end, of this very target only`() throws {
        var judge = try judge(.mib(128))
        host.say(1, 1, size: 0, target: "0", state: "held", reason: "guard")
        #expect(look(&judge, 1) == .moving)
        host.move(1, 1, to: 2048, state: "held", reason: "guard")
        #expect(look(&judge, 2) == .held(vnode: 1, .guard, at: 2048))
    }

    @Test func `a word that Xen does not confirm is not believed`() throws {
        var judge = try judge(.mib(128))
        host.move(1, 1, to: .mib(96))
        host.say(1, 1, size: .mib(128))
        #expect(look(&judge, 1) == .moving)
        #expect(look(&judge, 3) == .contradicts(claims: 131_072, xenSays: 98_304))
    }

    @Test func `a claim is waited for, and named`() throws {
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

    @Test func `memory that is there again is waited for, as long as the guest may sleep`() throws {
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

    @Test func `gone, and somebody else's target`() throws {
        var judge = try judge(.mib(64))
        host.store["/local/domain/1/memory/vnode1/target-balloon-size"] = "0"
        var other = judge
        #expect(look(&other, 1) == .superseded(vnode: 1))
        host.destroy(1)
        #expect(look(&judge, 1) == .gone)
    }
}
