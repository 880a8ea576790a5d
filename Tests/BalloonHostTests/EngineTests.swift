import BalloonCore
import BalloonHost
import HostSimulation
import Simulation
import Testing

@Suite struct EngineTests {
    let host = SimulatedHost()

    @Test func `prepare makes all rows of a domain, and writes no target`() throws {
        host.make(1)
        #expect(HostEngine.missing(host.domain(1)) == 15)
        #expect(try host.engine.prepare(host.domain(1)) == 15)
        #expect(host.store.owners.count == 13 && host.store.owners.values.allSatisfy { $0 == 1 })
        #expect(host.row(1, 0, "size") == "262144" && host.store.owners["/local/domain/1/memory/vnode0/size"] == nil)
        #expect(host.row(1, 0, "target-balloon-size") == nil)
        #expect(try host.engine.prepare(host.domain(1)) == 0)
    }

    @Test func `prepare makes a missing row again, and leaves the other rows as they are`() throws {
        try host.bringUp(1)
        host.store["/local/domain/1/memory/vnode1/balloon-state"] = nil
        #expect(host.domain(1).vnodes[1].missingRows == ["balloon-state"])
        #expect(try host.engine.prepare(host.domain(1)) == 1)
        #expect(host.row(1, 1, "balloon-state") == "" && host.row(1, 1, "balloon-size") == "0")
        #expect(host.store.owners["/local/domain/1/memory/vnode1/balloon-state"] == 1)
    }

    @Test func `nothing is written for a domain that is destroyed during the transaction`() throws {
        host.make(1)
        let domain = host.domain(1)
        host.store.beforeCommit = { [host] in host.destroy(1) }
        #expect(try host.engine.prepare(domain) == 0 || host.store.paths(below: "/local/domain/1").isEmpty)
        #expect(host.store.paths(below: "/local/domain/1").isEmpty)
        host.store.beforeCommit = nil
        try host.engine.setTargets(domain, [0: 2048])
        #expect(host.store.paths(below: "/local/domain/1").isEmpty)
    }

    @Test func `nothing is written for another domain that has the number`() throws {
        try host.bringUp(1, 2)
        let domains = host.snapshot().domains
        host.destroy(1)
        host.make(1, uuid: "another")
        #expect(try !host.engine.setTargets([1: [1: .mib(64)], 2: [1: .mib(64)]], of: domains))
        #expect(host.row(1, 1, "target-balloon-size") == nil && host.row(2, 1, "target-balloon-size") == "65536")
        #expect(try host.engine.prepare(domains[1]) == 0 && host.feature(1) == nil)
        // It comes between the questions and the commit.
        let there = host.snapshot().domains
        host.store.beforeCommit = { [host] in
            host.store.beforeCommit = nil
            host.destroy(2)
            host.make(2, uuid: "yet another")
        }
        #expect(try !host.engine.setTargets([2: [1: .mib(32)]], of: there))
        #expect(host.row(2, 1, "target-balloon-size") == nil)
    }

    @Test func `a plan does not fail because of one domain that is gone for Xen`() throws {
        try host.bringUp(1, 2)
        for index in host.xen.facts.indices { host.xen.facts[index].maxPages = 256 }
        let domains = host.snapshot().domains
        host.xen.gone = [1]
        #expect(try host.engine.setTargets([1: [1: .mib(64)], 2: [1: .mib(64)]], of: domains))
        #expect(host.row(2, 1, "target-balloon-size") == "65536" && host.xen.maxima[2] != nil)
        #expect(host.xen.maxima[1] == nil)
    }

    @Test func `the balloon that a guest reports is adopted as its target`() throws {
        host.make(1)
        try host.engine.prepare(host.domain(1))
        #expect(try host.engine.adopt(host.domain(1)) == [])
        host.start(1)
        host.move(1, 1, to: .mib(64))
        #expect(try host.engine.adopt(host.domain(1)) == [0, 1])
        #expect(host.row(1, 0, "target-balloon-size") == "0" && host.row(1, 1, "target-balloon-size") == "65536")
        #expect(host.domain(1).constant == KiB(524_288 + 68))
        #expect(try host.engine.adopt(host.domain(1)) == [])
    }

    @Test func `adopt takes a domain's constant from Xen's count, not from a guest that claims too much`() throws {
        host.make(1)
        try host.engine.prepare(host.domain(1))
        host.start(1)
        host.say(1, 1, size: .mib(128))
        try host.engine.adopt(host.domain(1))
        #expect(host.domain(1).constant == 524_356)
        #expect(host.domain(1).contradiction?.claims == 131_072)
        for (vnode, size) in [(0, KiB.zero), (1, .mib(128))] { host.say(1, vnode, size: size) }
        #expect(host.domain(1).exclusion == .contradiction)
    }

    @Test func `a guest that has begun to move, or moves while it is read, is in the plans`() throws {
        try host.bringUp(1)
        try host.engine.setTargets(host.domain(1), [1: .mib(128)])
        // It has taken its first step, and has not published anything yet.
        host.xen.facts[1].pages -= KiB.mib(32).wholeFrames
        host.say(1, 1, size: 0, target: "0")
        #expect(host.domain(1).exclusion == nil && host.snapshot().nodes[1].giving == .mib(128))
        host.say(1, 1, size: 0)
        #expect(host.domain(1).exclusion == .contradiction)
        // It ends its move between Xen's list and its rows.
        host.say(1, 1, size: .mib(128))
        host.xen.listed = { [xen = host.xen] in
            xen.facts[1].pages -= KiB.mib(96).wholeFrames
            xen.listed = {}
        }
        #expect(host.domain(1).exclusion == nil)
        #expect(host.domain(1).exclusion == nil && host.domain(1).counted == .mib(128))
    }

    @Test func `a size that is nonsense hides no memory that the guest may still take`() throws {
        try host.bringUp(1)
        host.move(1, 1, to: .mib(128))
        try host.engine.setTargets(host.domain(1), [1: 0])
        #expect(host.snapshot().nodes[1].taking == .mib(128))
        host.store["/local/domain/1/memory/vnode1/balloon-size"] = "x"
        #expect(host.domain(1).vnodes[1].balloon == nil)
        #expect(host.snapshot().nodes[1].taking == .mib(128))
    }

    @Test func `a held guest that reports too little is levelled by Xen's count`() throws {
        try host.bringUp(1)
        host.move(1, 1, to: .mib(128))
        try host.engine.setTargets(host.domain(1), [1: .mib(140)])
        host.say(1, 1, size: .mib(20), target: "0", state: "held", reason: "guard")
        #expect(host.domain(1).vnodes[1].exclusion == .held)
        #expect(host.snapshot().levelSeats(on: 1).map(\.balloon) == [.mib(128)])
    }

    @Test func `a balloon size that Xen's count contradicts is reported as a contradiction`() throws {
        try host.bringUp(1)
        host.move(1, 1, to: .mib(96))
        #expect(host.domain(1).contradiction == nil)
        host.say(1, 1, size: .mib(128))
        let found = host.domain(1).contradiction
        #expect(found?.claims == 131_072 && found?.xenSays == 98_304)
    }

    @Test func `take removes memory target, and yield writes it back byte for byte`() throws {
        try host.bringUp(1)
        host.store["/local/domain/1/memory/target"] = "0524288"
        #expect(try host.engine.take(host.domain(1)))
        #expect(host.store["/local/domain/1/memory/target"] == nil)
        #expect(try !host.engine.take(host.domain(1)))
        #expect(try host.engine.yield(host.domain(1), stays: true))
        #expect(host.store["/local/domain/1/memory/target"] == "0524288" && host.domain(1).isYielded)
        #expect(try host.engine.take(host.domain(1)) && !host.domain(1).isYielded)
    }

    @Test func `a guest that does not follow the vnode targets keeps memory target`() throws {
        host.make(1)
        try host.engine.prepare(host.domain(1))
        #expect(try !host.engine.take(host.domain(1)))
        #expect(host.store["/local/domain/1/memory/target"] == "524288")
    }

    @Test func `what is kept of a domain is forgotten when it is gone, or its number has another uuid`() throws {
        try host.bringUp(1, 2)
        try host.engine.setLimits(host.domain(1), vnode: 1, minimum: .mib(128), maximum: nil)
        #expect(host.domain(1).vnodes.map(\.minimum) == [65_536, 131_072])
        host.destroy(1)
        #expect(try host.engine.forgetGone(host.snapshot()) == [1])
        #expect(
            host.store.paths(below: "/vnode-balloon/domain").allSatisfy { $0.hasPrefix("/vnode-balloon/domain/2/") })
        host.make(2, uuid: "another")
        host.xen.facts.remove(at: 1)
        #expect(host.domain(2).constant == nil)
    }

    @Test func `a maximum reservation that is too small for the targets is raised first`() throws {
        try host.bringUp(1)
        try host.engine.setTargets(host.domain(1), [1: .mib(64)])
        host.follow(1)
        try host.xen.setMax(1, kib: .mib(400))
        try host.engine.setTargets(host.domain(1), [1: .mib(32)])
        #expect(host.xen.maxima[1] == KiB(524_288 - 32_768 + 1024))
    }

    @Test func `a target is granted only memory that is free, above the floor and unclaimed`() throws {
        try host.bringUp(1)
        host.move(1, 1, to: .mib(64))
        try host.engine.setTargets(host.domain(1), [1: .mib(64)])
        host.follow(1)
        host.xen.free = [.gib(1), .mib(80)]
        #expect(throws: BalloonError.self) { try host.engine.checkGrant(host.domain(1), [1: 0], host.snapshot()) }
        try host.engine.checkGrant(host.domain(1), [1: .mib(32)], host.snapshot())
        host.xen.free[1] = .mib(200)
        try host.engine.checkGrant(host.domain(1), [1: 0], host.snapshot())
        host.xen.claimedPages = KiB.gib(1).wholeFrames + 40_000
        #expect { try host.engine.checkGrant(host.domain(1), [1: 0], host.snapshot()) } throws: {
            ($0 as? BalloonError)?.message.contains("302144 pages are claimed") ?? false
        }
    }

    @Test func `a target that leaves a vnode less than its minimum is refused as wrong usage`() throws {
        try host.bringUp(1)
        #expect { try host.engine.checkGrant(host.domain(1), [1: .mib(200)], host.snapshot()) } throws: {
            ($0 as? BalloonError)?.code == .usage
        }
    }

    @Test func `a memory target below the domain's floor is refused`() throws {
        host.make(3, kind: .pv, sizes: nil)
        #expect(try host.engine.setOldMemory(host.domain(3), kib: .mib(224), host.snapshot()) == 40_960)
        #expect(host.store["/local/domain/3/memory/target"] == "229376")
        #expect(throws: BalloonError.self) {
            try host.engine.setOldMemory(host.domain(3), kib: .mib(40), host.snapshot())
        }
        #expect(host.store["/local/domain/3/memory/target"] == "229376")
    }

    @Test func `what a contradicted guest may take back is not granted on any of its nodes`() throws {
        try host.bringUp(1)
        host.move(1, 1, to: .mib(80))
        host.xen.free = [.gib(1), .gib(1)]
        // The guest claims that it took vnode 1's memory back and gave much more of vnode 0.
        host.say(1, 0, size: .mib(160), target: "163840")
        host.say(1, 1, size: 0, target: "0")
        host.store["/local/domain/1/memory/vnode0/target-balloon-size"] = "163840"
        host.store["/local/domain/1/memory/vnode1/target-balloon-size"] = "0"
        #expect(host.domain(1).contradiction?.xenSays == .mib(80))
        #expect(host.snapshot().nodes.map(\.taking) == [0, .mib(80)])
        host.xen.free[1] = .mib(100)
        try host.bringUp(2)
        host.move(2, 1, to: .mib(40))
        try host.engine.setTargets(host.domain(2), [1: .mib(40)])
        host.follow(2)
        host.xen.free[1] = .mib(140)
        #expect(throws: BalloonError.self) { try host.engine.checkGrant(host.domain(2), [1: 0], host.snapshot()) }
        try host.engine.checkGrant(host.domain(2), [1: .mib(12)], host.snapshot())
        // Nor may its own target be lowered by an amount that it may already have taken there.
        #expect(throws: BalloonError.self) { try host.engine.checkGrant(host.domain(1), [0: 0], tight()) }
    }

    private func tight() -> HostSnapshot {
        host.xen.free[0] = .mib(40)
        return host.snapshot()
    }

    @Test func `a contradicted guest that is given up gets the target that Xen's count confirms`() throws {
        try host.bringUp(1)
        host.move(1, 1, to: .mib(60))
        try host.engine.setTargets(host.domain(1), [1: .mib(100)])
        host.say(1, 1, size: .mib(20))
        var task = FreeTask([], FreeTask.Options(), host.snapshot())
        try task.giveUp(on: [1: .stuck], [1: [1: .mib(100)]], host.engine, host.snapshot())
        #expect(host.row(1, 1, "target-balloon-size") == "\(KiB.mib(60))")
    }

    /// The guest reports less than it has given. With that as its target it could take back memory that was not measured
    /// free.
    @Test func `a guest that says it moves and has little is given up at what Xen's count confirms`() throws {
        try host.bringUp(1)
        host.move(1, 1, to: .mib(60))
        try host.engine.setTargets(host.domain(1), [1: .mib(100)])
        host.say(1, 1, size: 0, state: "inflating")
        var task = FreeTask([], FreeTask.Options(), host.snapshot())
        try task.giveUp(on: [1: .stuck], [1: [1: .mib(100)]], host.engine, host.snapshot())
        #expect(host.row(1, 1, "target-balloon-size") == "\(KiB.mib(60))")
    }

    /// libxl introduces the domain first. It writes this file last, when it attaches devices.
    @Test func `the physical nodes of a guest are learnt when they are written down after its first look`() throws {
        host.make(1)
        var (asked, known) = (0, [Int]?.none)
        let reader = HostReader(
            xen: host.xen, store: host.store,
            pnodesOf: { _, _ in
                asked += 1
                return known
            }, savedLimits: { _ in SavedLimits() })
        func pnodes() throws -> [Int?] {
            try reader.read().domains.first { $0.id == 1 }?.vnodes.map(\.pnode) ?? []
        }
        #expect(try pnodes() == [nil, nil])
        known = [0, 1]
        #expect(try pnodes() == [0, 1])
        #expect(try pnodes() == [0, 1] && asked == 2, "what is known is not asked for again")
    }

    @Test func `grants on two nodes together stay within what claims leave of the host`() throws {
        try host.bringUp(1)
        for vnode in 0...1 { host.move(1, vnode, to: .mib(128)) }
        try host.engine.setTargets(host.domain(1), [0: .mib(128), 1: .mib(128)])
        host.follow(1)
        host.xen.free = [.mib(400), .mib(400)]
        host.xen.claimedPages = KiB.mib(800 - 72 - 150).wholeFrames
        let targets = Balance.targets(host.snapshot(), pnodes: [0, 1])
        let taken = (targets[1] ?? [:]).values.reduce(KiB(0)) { $0 + .mib(128) - $1 }
        #expect(taken == .mib(150))
    }
}
