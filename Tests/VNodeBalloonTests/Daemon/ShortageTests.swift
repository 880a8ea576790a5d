import Testing

@testable import Simulation
@testable import VNodeBalloon

/// The daemon's own loop on a simulated guest: how it reports to the toolstack that vnodes are short of memory.
@Suite struct ShortageTests {
    static let second: Interval = .seconds(1)

    private func guest(isPrepared: Bool = true) throws -> SimulatedGuest {
        let layout = Layout(pnodes: [0, 1], blocksPerVNode: 16)
        let guest = SimulatedGuest(Schedule(layout: layout, isPrepared: isPrepared, events: [], goals: [0, 0]))
        try run(guest, seconds: 2)
        return guest
    }

    private func run(_ guest: SimulatedGuest, seconds: UInt64, _ each: () -> Void = {}) throws {
        let end = guest.machine.clock + .seconds(seconds)
        for _ in 0..<100_000 where guest.machine.clock < end {
            try guest.turn()
            each()
        }
        #expect(guest.machine.clock >= end)
    }

    /// Programs leave this much memory of the vnode's node.
    private func leave(_ guest: SimulatedGuest, _ vnode: Int, _ size: KiB) throws {
        guest.machine.taken[vnode] = 0
        let node = try #require(guest.machine.layout.vnodes[vnode].linuxNode)
        guest.machine.taken[vnode] = try #require(guest.machine.nodeMemory[node]).available - size
    }

    @Test func `a vnode with a balloon publishes what its node lacks, and without a balloon nothing`() throws {
        let guest = try guest()
        #expect(guest.row(0, "short") == "0" && guest.row(1, "short") == "0")
        // The balloon is empty: it has no memory to give back, so the daemon reports no shortage.
        try leave(guest, 1, .mib(20))
        try run(guest, seconds: 70)
        #expect(guest.row(1, "short") == "0")
        guest.machine.taken = [:]
        guest.setTarget(1, 4)
        try run(guest, seconds: 5)
        #expect(guest.row(1, "size") == "8192" && guest.row(1, "short") == "0")
        try leave(guest, 1, .mib(26))
        try run(guest, seconds: 5)
        #expect(guest.row(1, "short") == "0")
        try leave(guest, 1, .mib(20))
        try run(guest, seconds: 2)
        #expect(guest.row(1, "short") == "\(12 << 10)")
        try leave(guest, 1, .mib(28))
        try run(guest, seconds: 5)
        #expect(guest.row(1, "short") == "\(12 << 10)")
        try leave(guest, 1, .mib(32))
        try run(guest, seconds: 2)
        #expect(guest.row(1, "short") == "0" && guest.row(0, "short") == "0")
    }

    @Test func `a shortage is published at most once a second, and the loop sleeps in between`() throws {
        let guest = try guest()
        guest.setTarget(1, 4)
        try run(guest, seconds: 5)
        var (turns, changes): (Int, [Moment]) = (0, [])
        var last = guest.row(1, "short")
        try run(guest, seconds: 20) {
            turns += 1
            try? leave(guest, 1, .mib(20) * UInt64(turns % 2))
            if guest.row(1, "short") != last { changes.append(guest.machine.clock) }
            last = guest.row(1, "short")
        }
        #expect(changes.count > 5 && zip(changes, changes.dropFirst()).allSatisfy { $1 - $0 >= Self.second })
        #expect(turns < 100, "\(turns)")
        guest.machine.taken = [:]
        try run(guest, seconds: 3)
        // The node has plenty of memory, and there is no balloon: nothing to watch.
        guest.setTarget(1, 0)
        try run(guest, seconds: 5)
        var idle = 0
        try run(guest, seconds: 300) { idle += 1 }
        #expect(idle < 12, "\(idle)")
    }

    @Test func `a vnode whose balloon is empty is not short any more`() throws {
        let guest = try guest()
        guest.setTarget(1, 4)
        try run(guest, seconds: 5)
        try leave(guest, 1, .mib(10))
        try run(guest, seconds: 3)
        #expect(guest.row(1, "short") == "\(22 << 10)")
        guest.setTarget(1, 0)
        try run(guest, seconds: 1)
        try leave(guest, 1, .mib(10))
        try run(guest, seconds: 5)
        #expect(guest.row(1, "size") == "0" && guest.row(1, "short") == "0")
    }

    @Test func `a toolstack that made no balloon-short row costs the loop no turns`() throws {
        let guest = try guest(isPrepared: false)
        guest.setTarget(1, 4)
        try run(guest, seconds: 5)
        try leave(guest, 1, .mib(10))
        var turns = 0
        try run(guest, seconds: 300) { turns += 1 }
        #expect(turns < 12 && guest.store["data/balloon-vnode/vnode1/balloon-short"] == nil, "\(turns)")
    }
}
