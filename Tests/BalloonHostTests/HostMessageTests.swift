import BalloonCore
import HostSimulation
import Simulation
import Testing

@testable import BalloonHost

/// What the toolstack's daemon says, and what the journal finds it by.
@Suite struct HostMessageTests {
    let host = SimulatedHost()

    /// One turn: what the keeper's deeds have to say.
    private func turn(_ keeper: inout HostKeeper) throws -> [HostMessage] {
        let snapshot = host.snapshot()
        return try keeper.deeds(snapshot, now: .zero).compactMap { try host.engine.perform($0, snapshot) }
    }

    private func fields(_ event: JournalEvent, pnodes: [String]? = ["0", "1"]) -> [String: [String]] {
        var fields = ["DOMAIN": ["1"], "DOMAIN_NAME": ["g1"], "DOMAIN_UUID": ["uuid-1"]]
        fields["MESSAGE_ID"] = [event.rawValue]
        fields["PNODE"] = pnodes
        return fields
    }

    @Test func `each message about a domain has its number, name, UUID and physical nodes`() throws {
        var keeper = HostKeeper(HostKeeper.Policy())
        host.make(1)
        var said = try turn(&keeper)
        #expect(said.map(\.text) == ["domain 1 (g1): 15 rows made"] && said.map(\.fields) == [fields(.prepared)])
        host.start(1)
        said = try turn(&keeper)
        #expect(said.map(\.text) == ["domain 1 (g1): its balloons are 0 0 KiB, its targets 0 0"])
        #expect(said.map(\.fields) == [fields(.adopted)])
        said = try turn(&keeper)
        #expect(said.map(\.text) == ["domain 1 (g1): memory/target is away"])
        #expect(said.map(\.fields) == [fields(.legacyTarget)])
        host.store["/local/domain/1/control/feature-balloon-vnode"] = "0"
        #expect(try turn(&keeper) == [HostMessage(host.domain(1), "memory/target is back", .legacyTarget)])
        host.destroy(1)
        said = try turn(&keeper)
        #expect(said.map(\.text) == ["gone: domain 1"])
        #expect(said.map(\.fields) == [["DOMAIN": ["1"], "MESSAGE_ID": [JournalEvent.gone.rawValue]]])
    }

    @Test func `what another program wrote is told with the domain, whatever the policy`() throws {
        for isReverting in [true, false] {
            let host = SimulatedHost()
            try host.bringUp(1)
            host.store["/vnode-balloon/domain/1/uuid"] = "uuid-1"
            host.store["/vnode-balloon/domain/1/target"] = "524288"
            let deed: HostKeeper.Deed = isReverting ? .revert(1, foreign: 4) : .tell(1, foreign: 4)
            let said = try #require(try host.engine.perform(deed, host.snapshot()))
            #expect(said.text.hasPrefix("domain 1 (g1): another program wrote memory/target = 4 KiB"))
            #expect(said.fields == fields(.foreignTarget) && deed.domain == 1)
        }
    }

    @Test func `a node that is not known is left out`() {
        var domain = HostDomain(facts: host.xen.facts[0], name: "g")
        domain.vnodes = [HostVNode(number: 0, size: 4), HostVNode(number: 1, size: 4), HostVNode(number: 2, size: 4)]
        #expect(HostMessage(domain, "t", .maximum).fields["PNODE"] == nil)
        domain.vnodes[0].pnode = 3
        domain.vnodes[2].pnode = 3
        #expect(HostMessage(domain, "t", .maximum).fields["PNODE"] == ["3"])
    }

    @Test func `an error has its code, and its domain where it is about one`() throws {
        let silent = HostMessage(BalloonError(.store, "xenstore does not answer"))
        #expect(silent.fields == ["CODE": ["store"], "MESSAGE_ID": [JournalEvent.store.rawValue]])
        try host.bringUp(1)
        let failed = HostMessage(BalloonError(.environment, "it failed"), of: host.domain(1))
        #expect(failed.text == "it failed" && failed.fields["CODE"] == ["environment"])
        #expect(failed.fields["DOMAIN"] == ["1"] && failed.fields["MESSAGE_ID"] == nil)
    }
}
