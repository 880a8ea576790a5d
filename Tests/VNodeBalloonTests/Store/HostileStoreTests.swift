import CBalloonShim
import Glibc
import Logging
import Simulation
import Testing

@testable import VNodeBalloon

/// The product's own xenstore client with a hostile store. The tests count what must stay bounded:
/// requests, events, bytes.
@Suite(.serialized) final class HostileStoreTests {
    let work: TemporaryDirectory
    let fake: FakeXenstored
    let machine = Machine(Layout(pnodes: [0, 1], blocksPerVNode: 16))
    let backend: PrivcmdMover
    static let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    static let target = "memory/vnode0/target-balloon-size"

    init() throws {
        work = try TemporaryDirectory()
        // Unsafe: C copies both texts. No other test connects to this xenstore, and the tests of
        // this suite run one by one.
        try #require(unsafe setenv("XENSTORED_PATH", work.path + "/s", 1) == 0)
        fake = try FakeXenstored(path: work.path + "/s")
        let layout = machine.layout
        var reserves: [Int: any PageReserve] = [:]
        for vnode in layout.vnodes { reserves[vnode.number] = SimulatedReserve(machine, vnode: vnode.number) }
        backend = try PrivcmdMover(
            vnodes: layout.vnodes, hypervisor: SimulatedXen(machine), reserves: reserves,
            intents: SimulatedIntents(machine))
        for vnode in 0...1 {
            fake.set("memory/vnode\(vnode)/target-balloon-size", "4096")
            fake.set("memory/vnode\(vnode)/size", "32768")
        }
    }

    deinit { fake.stop() }

    func interface() throws -> VNodeInterface {
        try VNodeInterface(
            Xenstore(), vnodes: backend.domainVNodes, granularity: 2048, log: Self.log)
    }

    /// Takes events until `isDone` says so, or for ten seconds.
    func events(_ interface: VNodeInterface, until isDone: (Bool) -> Bool) throws {
        for _ in 0..<100 {
            if isDone(try interface.takeEvents()) { return }
            _ = try Poll.wait([interface.descriptor], timeoutMilliseconds: 100)
            if isDone(try interface.takeEvents()) { return }
        }
        Issue.record("the events do not come")
    }

    static let states = [0, 1].map {
        VNodeState(vnode: VNode(number: $0, linuxNode: $0, size: 32768), balloonFrames: 512)
    }

    @Test func `with an honest store targets are read, sizes published and events taken`() throws {
        let interface = try interface()
        let reading = try interface.read()
        #expect(reading.requests == [0: .size(4096), 1: .size(4096)] && !reading.hasLegacyTarget)
        _ = try interface.publish(Self.states, now: 1)
        #expect(fake.value("data/balloon-vnode/vnode1/balloon-size") == "2048")
        #expect(fake.value("data/balloon-vnode/feature") == "1")
        try events(interface) { $0 }
        fake.set(Self.target, "8192")
        fake.sendEvents([Self.target])
        try events(interface) { $0 }
        #expect(try interface.read().requests[0] == .size(8192))
    }

    /// After an event of a target, the daemon reads this target and the size that limits it. After any other
    /// event it reads everything.
    @Test func `after an event about a target only that target and its vnode's size are read`() throws {
        let interface = try interface()
        _ = try interface.read()
        _ = try interface.publish(Self.states, now: 1)
        try events(interface) { $0 }
        _ = try interface.read(everything: false)
        func paths(after event: String, _ value: String) throws -> [String] {
            let before = fake.requests.count
            fake.set(event, value)
            fake.sendEvents([event])
            try events(interface) { $0 }
            #expect(try interface.read(everything: false).requests[0] == .size(8192))
            return fake.requests.dropFirst(before).filter { $0.kind == .read }.map(\.path)
        }
        #expect(try paths(after: Self.target, "8192") == [Self.target, "memory/vnode0/size"])
        #expect(try paths(after: "memory/target", "4711") == ["memory/target"])
        #expect(try interface.read(everything: false).legacyTarget == 4711)
        let everything = try paths(after: "memory/vnode0/size", "16384")
        #expect(everything.contains("control/feature-balloon-vnode") && everything.contains("memory/vnode0/size"))
        // The size was written together with the target. It counts, although no event of it has arrived yet.
        fake.set("memory/vnode0/size", "32768")
        fake.set(Self.target, "20480")
        fake.sendEvents([Self.target])
        try events(interface) { $0 }
        #expect(try interface.read(everything: false).requests == [0: .size(20480), 1: .size(4096)])
        fake.set("memory/vnode0/size", "16384")
        fake.sendEvents([Self.target])
        try events(interface) { $0 }
        #expect(try interface.read(everything: false).requests[0] == .invalid)
    }

    /// A toolstack makes a vnode's rows one after the other, some of them after the daemon has written. The daemon
    /// fills each of them within a minute.
    @Test func `rows that the toolstack makes anew are filled, and then not written again`() throws {
        let names = ["target", "size", "state", "reason", "granularity"].map { "memory/vnode1/balloon-" + $0 }
        fake.set("control/feature-balloon-vnode", "")
        for name in names + ["memory/vnode0/balloon-state"] { fake.set(name, "") }
        let interface = try interface()
        _ = try interface.read()
        _ = try interface.publish(Self.states, now: 1)
        #expect(!interface.isFallback)
        #expect(names.map(fake.value) == ["4096", "2048", "idle", "", "2048"])
        for name in names where !name.hasSuffix("state") {
            fake.set(name, "")
            _ = try interface.read()
            _ = try interface.publish(Self.states, now: 2)
            #expect(names.map(fake.value) == ["4096", "2048", "idle", "", "2048"], "\(name)")
        }
        let asked = fake.requests.count { $0.kind == .write }
        _ = try interface.read()
        _ = try interface.publish(Self.states, now: 3)
        #expect(fake.requests.count { $0.kind == .write } == asked, "and then nothing is written")
    }

    @Test func `a store that answers late is read all the same`() throws {
        fake.react { _ in .late(milliseconds: 20) }
        #expect(try interface().read().requests == [0: .size(4096), 1: .size(4096)])
    }

    /// These are the longest possible values, and the byte is the worst one.
    @Test func `values of 4096 bytes 0xff are invalid targets, and no limits`() throws {
        let ones = [UInt8](repeating: 0xff, count: 4096)
        for path in [Self.target, "memory/vnode0/size", "memory/target", "memory/static-max", "memory/vnode1/size"] {
            fake.set(path, ones)
        }
        let interface = try interface()
        let reading = try interface.read()
        // A size that makes no sense sets no limit. The vnode's own size does.
        #expect(reading.requests == [0: .invalid, 1: .size(4096)])
        #expect(reading.hasLegacyTarget && reading.legacyTarget == nil)
        #expect(try VNodeInterface.staticMax(Xenstore()) == nil)
        _ = try interface.publish(Self.states, now: 1)
        #expect(fake.value("data/balloon-vnode/vnode0/balloon-target") == "invalid")
        #expect(fake.requests.filter { $0.kind == .write }.allSatisfy { $0.body.count < 100 })
    }

    /// The protocol has no values of more than 4096 bytes.
    @Test(arguments: [4097, 65536, UInt32.max])
    func `an answer with an impossible length is an error, and the next connection works`(_ length: UInt32) throws {
        fake.react { request in
            guard request.path == Self.target else { return .honest }
            let header = FakeXenstored.header(.read, request.header[1], request.header[2], length)
            return .lastWords(header + [UInt8](repeating: 0x31, count: 5000))
        }
        #expect(throws: BalloonError.self) { try self.interface().read() }
        fake.react { _ in .honest }
        #expect(try interface().read().requests == [0: .size(4096), 1: .size(4096)])
    }

    /// The store hangs up in the middle of an answer.
    @Test(arguments: [0, 1, 15, 16, 17])
    func `a store that hangs up in an answer is an error at every call, and nothing hangs`(_ bytes: Int) throws {
        fake.react { request in
            guard request.path == Self.target else { return .honest }
            let answer = FakeXenstored.message(.read, request.header[1], request.header[2], Array("4096".utf8))
            return .lastWords(Array(answer.prefix(bytes)))
        }
        #expect(throws: BalloonError.self) { try Xenstore().read(Self.target, in: nil) }
        let interface = try interface()
        #expect(throws: BalloonError.self) { try interface.read() }
        // All later calls on the dead connection fail, and none hangs.
        #expect(throws: BalloonError.self) { try interface.read() }
        #expect(throws: BalloonError.self) { try interface.publish(Self.states, now: 1) }
    }

    /// The noise ends with the connection.
    @Test func `noise instead of an answer is an error`() throws {
        for seed in 0..<30 {
            var random = SeededGenerator(seed: UInt64(seed))
            let noise = (0..<random.number(0...200)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            fake.react { $0.path == Self.target ? .lastWords(noise) : .honest }
            let interface = try interface()
            #expect(throws: BalloonError.self, "\(seed)") { try interface.read() }
        }
    }

    /// The second answer may be taken for the answer to the next question, or it may end the connection. Neither may
    /// yield an impossible target. A new, honest connection works.
    @Test func `answers that come twice yield no target that was never written`() throws {
        fake.set(Self.target, "4100")
        for _ in 0..<10 {
            fake.react { $0.path == Self.target ? .twice : .honest }
            if let reading = try? interface().read() {
                for request in reading.requests.values {
                    #expect([.absent, .invalid, .size(4100), .size(4096), .size(32768)].contains(request))
                }
            }
            fake.react { _ in .honest }
            #expect(try interface().read().requests == [0: .size(4100), 1: .size(4096)])
        }
    }

    /// Another writer keeps changing what the transaction reads.
    @Test func `a transaction that always conflicts is an error after eight tries`() throws {
        let interface = try interface()
        _ = try interface.read()
        fake.react { $0.kind == .end ? .refused("EAGAIN") : .honest }
        #expect(throws: BalloonError.self) { try interface.publish(Self.states, now: 1) }
        #expect(fake.requests.filter { $0.kind == .end }.count == 8)
        fake.react { _ in .honest }
        _ = try interface.publish(Self.states, now: 2)
        #expect(fake.value("data/balloon-vnode/vnode1/balloon-size") == "2048")
    }

    /// Otherwise the client would believe that the old value is still there.
    @Test func `a write whose answer came too late counts as written, and the next publish corrects it`() throws {
        let store = try Xenstore(paths: [work.path + "/s"], patience: .milliseconds(50))
        let interface = try VNodeInterface(
            store, vnodes: backend.domainVNodes, granularity: 2048, log: Self.log)
        let size = "data/balloon-vnode/vnode0/balloon-size"
        _ = try interface.publish(Self.states, now: 1)
        var others = Self.states
        others[0] = VNodeState(vnode: others[0].vnode, balloonFrames: 1024)
        fake.react { $0.kind == .write ? .late(milliseconds: 300) : .honest }
        #expect(throws: BalloonError.self) { try interface.publish(others, now: 2) }
        fake.react { _ in .honest }
        for _ in 0..<1000 where store.condition != .open {
            _ = try Poll.wait([store.descriptor], timeoutMilliseconds: 10)
            _ = try interface.takeEvents()
        }
        #expect(fake.value(size) == "4096")
        _ = try interface.publish(Self.states, now: 3)
        #expect(fake.value(size) == "2048")
    }

    /// A reading notices it, even if the client has not looked for events before.
    @Test func `a store that hung up is noticed by a reading, and a new connection works`() throws {
        let interface = try interface()
        try events(interface) { $0 }
        fake.hangUp()
        #expect(throws: BalloonError.self) { try interface.read() }
        #expect(try self.interface().read().requests[0] == .size(4096))
    }
}
