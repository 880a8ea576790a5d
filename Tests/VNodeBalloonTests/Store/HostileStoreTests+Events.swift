import Simulation
import Testing

@testable import VNodeBalloon

/// Watch events that a hostile store sends.
extension HostileStoreTests {
    /// A reading asks only for the guest's own vnodes. Events of other vnodes cause none.
    @Test func `a thousand vnodes that are not the guest's cause no reading`() throws {
        for vnode in 2..<1000 {
            fake.set("memory/vnode\(vnode)/target-balloon-size", "4096")
            fake.set("memory/vnode\(vnode)/size", "32768")
        }
        let interface = try interface()
        try events(interface) { $0 }
        let before = fake.requests.count
        let reading = try interface.read()
        #expect(reading.requests.count == 2 && fake.requests.count - before <= 8)
        let asked = fake.requests.count
        fake.sendEvents((2..<1000).map { "memory/vnode\($0)/target-balloon-size" })
        fake.sendEvents((2..<1000).map { "memory/vnode\($0)" })
        var quiet = 0
        while quiet < 3 {
            quiet = try Poll.wait([interface.descriptor], timeoutMilliseconds: 50).isEmpty ? quiet + 1 : 0
            #expect(try !interface.takeEvents())
        }
        fake.sendEvents(["memory/vnode1"])
        try events(interface) { $0 }
        #expect(fake.requests.count == asked)
    }

    /// The events never end. One turn takes a limited number of them, and then the loop goes on.
    @Test func `a flood of events is taken in bounded turns`() throws {
        let flood = FloodedStore()
        let interface = try VNodeInterface(
            flood, vnodes: backend.domainVNodes, granularity: 2048, log: Self.log)
        #expect(try interface.takeEvents() && flood.events == VNodeInterface.mostEvents)
    }

    /// The paths are as long as they can be.
    @Test func `event paths of any bytes are taken without harm`() throws {
        let interface = try interface()
        try events(interface) { $0 }
        fake.sendEvents([[UInt8](repeating: 0xff, count: 4000), [], Array("memory/vnode0\u{301}/x".utf8)])
        try events(interface) { $0 }
        #expect(try interface.read().requests[0] == .size(4096))
    }

    @Test func `a store that hung up is noticed by looking for events`() throws {
        let interface = try interface()
        try events(interface) { $0 }
        fake.hangUp()
        #expect(throws: BalloonError.self) { try self.events(interface) { _ in false } }
    }
}

/// A store whose events never end.
private final class FloodedStore: Store {
    var events = 0
    let descriptor: Int32 = -1

    func read(_ path: String, in transaction: Transaction?) throws(BalloonError) -> [UInt8]? { nil }
    func write(_ path: String, _ value: String, in transaction: Transaction?) throws(BalloonError) {}
    func watch(_ path: String, token: String) throws(BalloonError) {}
    func nextEvent() throws(BalloonError) -> String? {
        events += 1
        return "memory"
    }
    func transaction(_ body: (Transaction) throws(BalloonError) -> Void) throws(BalloonError) {}
}
