import BalloonCore
import HostSimulation
import Simulation
import Testing

@testable import BalloonHost

/// The daemon's reader, which reads what events tell of.
@Suite struct HostReaderTests {
    let host = SimulatedHost()
    private let daemon: HostEngine
    private var watches = DomainWatches()

    init() throws {
        daemon = host.daemon()
        try host.bringUp(1, 2)
        try watches.follow([1, 2], host.store)
        _ = try daemon.read()
    }

    /// How many questions a reading asks.
    private func questions() throws -> Int {
        host.store.questionsLeft = 10_000
        defer { host.store.questionsLeft = nil }
        _ = try daemon.read()
        return 10_000 - (host.store.questionsLeft ?? 0)
    }

    @Test func `rows that nobody has written are not read again, and Xen's figures are`() throws {
        #expect(try questions() == 1)
        host.xen.facts[1].pages -= 512
        #expect(try questions() == 1 && daemon.read() == host.snapshot())
    }

    @Test func `what a guest, another toolstack, or a command writes is read`() throws {
        for path in [
            "/local/domain/1/memory/vnode1/balloon-size", "/local/domain/1/memory/target",
            "/local/domain/2/control/feature-balloon-vnode", "/vnode-balloon/domain/2/min",
        ] {
            host.store[path] = "4096"
            #expect(try daemon.read() == host.snapshot(), "\(path)")
            #expect(try questions() == 1)
        }
        host.saved.limits["uuid-1"] = SavedLimits(parsing: Array("min = 200m".utf8), name: "f")
        #expect(try daemon.read() == host.snapshot())
    }

    @Test func `all that is kept is read again when it is removed at once, of which xenstore says no more`() throws {
        host.store["/vnode-balloon/domain/2/min"] = "4096"
        _ = try daemon.read()
        host.store.losesEvents = true
        host.store.drop("/vnode-balloon/domain")
        host.store.losesEvents = false
        host.store["/vnode-balloon/domain"] = ""
        #expect(try daemon.read() == host.snapshot())
    }

    @Test func `domains that come, go, or have another one's number are seen`() throws {
        host.make(3)
        #expect(try daemon.read() == host.snapshot())
        host.destroy(1)
        #expect(try daemon.read() == host.snapshot())
        host.make(1, uuid: "another")
        #expect(try daemon.read() == host.snapshot())
    }

    @Test func `a change is not forgotten when the reading of it fails`() throws {
        for answered in 0..<30 {
            host.move(1, 1, to: .mib(UInt64(2 * answered + 2)))
            host.store.questionsLeft = answered
            _ = try? daemon.read()
            host.store.questionsLeft = nil
            #expect(try daemon.read() == host.snapshot(), "\(answered)")
        }
    }

    @Test func `where events may come after answers all rows are read each time`() throws {
        host.store.eventsComeFirst = false
        let reader = host.daemon().reader
        _ = try reader.read()
        host.store.questionsLeft = 10_000
        _ = try reader.read()
        #expect(host.store.questionsLeft ?? 0 < 10_000 - 40)
    }

    @Test func `a reader that forgets reads everything`() throws {
        daemon.reader.forget()
        #expect(try questions() > 40)
    }
}
