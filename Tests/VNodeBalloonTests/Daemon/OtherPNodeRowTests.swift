import Testing

@testable import Simulation
@testable import VNodeBalloon

/// How the daemon follows the row `allow-other-pnode`.
@Suite struct OtherPNodeRowTests {
    let guest: SimulatedGuest

    init() throws {
        let layout = Layout(pnodes: [0, 1], blocksPerVNode: 16, hostFreeFrames: 8 * 512)
        guest = SimulatedGuest(Schedule(layout: layout, isPrepared: true, events: [], goals: [0, 0]))
        try guest.run(turns: 40)
    }

    private func follow(_ extents: Int) throws {
        guest.store.make("memory/vnode0/target-balloon-size", "\(extents * 2048)")
        try guest.run(turns: 60)
    }

    private func allow(_ text: String) { guest.store.make("memory/vnode0/allow-other-pnode", text) }
    private var told: String? { guest.store["data/balloon-vnode/vnode0/other-pnode"] }

    /// Gives six extents. Then the host uses all of pnode 0 except one extent, so that only one of them comes back.
    private func holdByAFullNode() throws {
        try follow(6)
        guest.machine.hostTakes(13 * 512, pnode: 0)
        try follow(0)
        #expect(guest.row(0, "state") == "held" && guest.row(0, "reason") == "pnode-full")
    }

    @Test(arguments: ["0", "", "2", "yes", "1 ", "01"]) func `only the text 1 is a permission`(_ text: String) throws {
        allow(text)
        try holdByAFullNode()
        #expect(guest.row(0, "size") == "\(5 * 2048)" && told == nil && guest.machine.elsewhere(vnode: 0) == 0)
    }

    @Test func `a permission that comes later is used at once, reported, and ends with its row`() throws {
        try holdByAFullNode()
        allow("1")
        try guest.run(turns: 12)
        #expect(guest.row(0, "size") == "0" && guest.row(0, "state") == "idle")
        #expect(guest.machine.elsewhere(vnode: 0) == 5 * 512 && told == "\(5 * 2048)")
        guest.machine.hostGivesBack(pnode: 0)
        try follow(15)
        #expect(guest.machine.elsewhere(vnode: 0) == 0 && told == "0")
        guest.machine.hostTakes(.max, pnode: 0)
        allow("0")
        try follow(0)
        #expect(guest.row(0, "reason") == "pnode-full" && guest.machine.elsewhere(vnode: 0) == 0)
    }

    @Test func `a permission for one vnode does not count for another`() throws {
        allow("1")
        guest.store.make("memory/vnode1/target-balloon-size", "4096")
        try guest.run(turns: 40)
        guest.machine.hostTakes(.max, pnode: 1)
        guest.store.make("memory/vnode1/target-balloon-size", "0")
        try guest.run(turns: 40)
        #expect(guest.row(1, "reason") == "pnode-full" && guest.machine.elsewhere(vnode: 1) == 0)
    }

    @Test func `a row that a killed daemon left is brought up to date by the next daemon`() throws {
        guest.store.make("data/balloon-vnode/vnode0/other-pnode", "10240", isGuests: true)
        guest.machine.killNow()
        try guest.run(turns: 40)
        #expect(told == "0" && guest.store["data/balloon-vnode/vnode1/other-pnode"] == nil)
    }
}
