import BalloonCore
import BalloonHost
import HostSimulation
import Testing

@Suite struct MoveJudgeTests {
    let host = SimulatedHost()
    static let second: UInt64 = 1_000_000_000

    private func judge(_ kib: UInt64) throws -> MoveJudge {
        try host.bringUp(1)
        try host.engine.setTargets(host.domain(1), [1: kib])
        return MoveJudge([1: [1: kib]], host.snapshot(), now: 0, stall: 5 * Self.second)
    }

    private func look(_ judge: inout MoveJudge, _ seconds: UInt64) -> MoveJudge.Verdict? {
        judge.look(host.snapshot(), now: seconds * Self.second)
        return judge.verdicts[1]
    }

    @Test func `there is there`() throws {
        var judge = try judge(64 << 10)
        #expect(look(&judge, 1) == .moving && !judge.isOver)
        host.follow(1)
        #expect(look(&judge, 2) == .reached && judge.areAllReached)
    }

    @Test func `deaf after three seconds, but not while it moves`() throws {
        var judge = try judge(64 << 10)
        #expect(look(&judge, 2) == .moving)
        #expect(look(&judge, 3) == .deaf)
    }

    @Test func `only time without progress counts`() throws {
        var judge = try judge(128 << 10)
        for second in UInt64(1)...20 {
            host.move(1, 1, to: second << 11, state: "inflating")
            #expect(look(&judge, second * 4) == .moving)
        }
        #expect(look(&judge, 84) == .moving)
        #expect(look(&judge, 85) == .stuck)
    }

    @Test func `a page now and then is no progress`() throws {
        var judge = try judge(128 << 10)
        host.move(1, 1, to: 2048, state: "inflating")
        #expect(look(&judge, 1) == .moving)
        for second in UInt64(2)...5 {
            host.xen.facts[1].pages -= 1
            #expect(look(&judge, second) == .moving)
        }
        #expect(look(&judge, 6) == .stuck)
    }

    @Test func `held is an end, of this very target only`() throws {
        var judge = try judge(128 << 10)
        host.say(1, 1, size: 0, target: "0", state: "held", reason: "guard")
        #expect(look(&judge, 1) == .moving)
        host.move(1, 1, to: 2048, state: "held", reason: "guard")
        #expect(look(&judge, 2) == .held(vnode: 1, .guard, atKiB: 2048))
    }

    @Test func `a word that Xen does not confirm is not believed`() throws {
        var judge = try judge(128 << 10)
        host.move(1, 1, to: 96 << 10)
        host.say(1, 1, size: 128 << 10)
        #expect(look(&judge, 1) == .moving)
        #expect(look(&judge, 3) == .contradicts(claimsKiB: 131_072, xenSaysKiB: 98_304))
    }

    @Test func `a claim is waited for, and named`() throws {
        try host.bringUp(1)
        try host.engine.setTargets(host.domain(1), [1: 64 << 10])
        host.follow(1)
        try host.engine.setTargets(host.domain(1), [1: 0])
        host.xen.claimedPages = 622_868
        var judge = MoveJudge([1: [1: 0]], host.snapshot(), now: 0, stall: 5 * Self.second)
        host.move(1, 1, to: 60 << 10, state: "held", reason: "pnode-full")
        #expect(look(&judge, 1) == .moving)
        #expect(look(&judge, 6) == .claimed(vnode: 1, claimedPages: 622_868, atKiB: 60 << 10))
    }

    @Test func `memory that is there again is waited for, as long as the guest may sleep`() throws {
        try host.bringUp(1)
        try host.engine.setTargets(host.domain(1), [1: 64 << 10])
        host.follow(1)
        try host.engine.setTargets(host.domain(1), [1: 0])
        var judge = MoveJudge([1: [1: 0]], host.snapshot(), now: 0, stall: 5 * Self.second)
        host.move(1, 1, to: 60 << 10, state: "held", reason: "pnode-full")
        #expect(look(&judge, 1) == .moving)
        #expect(look(&judge, 60) == .moving)
        host.xen.freeKiB[1] = 0
        var full = judge
        #expect(look(&full, 61) == .held(vnode: 1, .pnodeFull, atKiB: 60 << 10))
        host.xen.freeKiB[1] = 1 << 20
        #expect(look(&judge, 66) == .held(vnode: 1, .pnodeFull, atKiB: 60 << 10))
    }

    @Test func `gone, and somebody else's target`() throws {
        var judge = try judge(64 << 10)
        host.store["/local/domain/1/memory/vnode1/target-balloon-size"] = "0"
        var other = judge
        #expect(look(&other, 1) == .superseded(vnode: 1))
        host.destroy(1)
        #expect(look(&judge, 1) == .gone)
    }
}
