import CBalloonShim
import Glibc
import Simulation
import Testing

@testable import VNodeBalloon

/// Our own xenstore client, with a xenstored that falls silent, goes on, or hangs up.
@Suite final class XenstoreTests {
    let work: TemporaryDirectory
    let fake: FakeXenstored

    init() throws {
        work = try TemporaryDirectory()
        fake = try FakeXenstored(path: work.path + "/s")
        fake.set("domid", "3")
        fake.set("memory/target", "4711")
    }

    deinit { fake.stop() }

    static let patience: Interval = .milliseconds(100)

    func client(patience: Interval = patience) throws -> Xenstore {
        try Xenstore(paths: ["/nowhere", work.path + "/s"], patience: patience)
    }

    func text(_ store: Xenstore, _ path: String) throws -> String? {
        try store.read(path, in: nil).map { String(decoding: $0, as: UTF8.self) }
    }

    /// How long `body` takes.
    func time(_ body: () throws -> Void) rethrows -> Interval {
        let begin = Moment.now
        try body()
        return Moment.now - begin
    }

    func isTimeout(_ error: any Error) -> Bool { (error as? BalloonError)?.errno == ETIMEDOUT }

    @Test func `values are read and written, in and outside a transaction, and a refusal is an error`() throws {
        let store = try client(patience: .seconds(10))
        #expect(try text(store, "memory/target") == "4711" && text(store, "nothing") == nil)
        try store.write("data/a", "1", in: nil)
        try store.transaction { (transaction) throws(BalloonError) in
            #expect(transaction == Transaction(number: 7))
            try store.write("data/b", "2", in: transaction)
        }
        #expect(fake.value("data/a") == "1" && fake.value("data/b") == "2")
        #expect(fake.requests.map { $0.header[2] } == [0, 0, 0, 0, 7, 7])
        fake.react { _ in .refused("EACCES") }
        #expect { try store.write("data/c", "3", in: nil) } throws: { ($0 as? BalloonError)?.errno == EACCES }
        #expect(store.condition == .open)
    }

    @Test func `a transaction that conflicts is tried eight times, and one over quota once`() throws {
        let store = try client(patience: .seconds(10))
        for word in ["EAGAIN", "ENOENT"] {
            let before = fake.requests.count
            fake.react { $0.kind == .end ? .refused(word) : .honest }
            #expect(throws: BalloonError.self) { try store.transaction { _ in } }
            #expect(fake.requests.dropFirst(before).count { $0.kind == .end } == 8)
        }
        let before = fake.requests.count
        fake.react { $0.kind == .end ? .refused("ENOSPC") : .honest }
        #expect { try store.transaction { _ in } } throws: { "\($0)".contains("quota of the domain's") }
        #expect(fake.requests.dropFirst(before).count { $0.kind == .end } == 1)
    }

    /// The client ends the transaction without committing it.
    @Test func `a transaction whose body fails is aborted`() throws {
        let store = try client(patience: .seconds(10))
        #expect(throws: BalloonError.self) {
            try store.transaction { (_) throws(BalloonError) in throw BalloonError(.store, "on purpose") }
        }
        #expect(fake.requests.last?.kind == .end && fake.requests.last?.path == "F")
    }

    @Test func `a patient client waits for a silent xenstored, and is asked meanwhile whether to go on`() throws {
        let store = try client(patience: .seconds(30))
        var asked: [Interval] = []
        store.whileWaiting = { [fake] waited in
            asked.append(waited)
            if asked.count == 3 { fake.goOn() }
        }
        fake.pause()
        #expect(try text(store, "memory/target") == "4711" && store.condition == .open)
        #expect(asked.count >= 3 && asked == asked.sorted())
    }

    /// It costs two seconds once (here: a tenth of one), and then nothing.
    @Test func `a silent xenstored costs one timeout, and its late answer is not taken for the next one`() throws {
        let store = try client()
        #expect(try text(store, "domid") == "3")
        fake.pause()
        usleep(20_000)
        let first = time { #expect(performing: { try self.text(store, "domid") }, throws: isTimeout) }
        #expect(first >= Self.patience && first < 50 * Self.patience)
        #expect(store.condition == .silent)
        let others = time {
            for _ in 0..<20 {
                #expect(performing: { try self.text(store, "memory/target") }, throws: isTimeout)
                #expect(performing: { try store.write("data/a", "1", in: nil) }, throws: isTimeout)
                #expect(performing: { try store.transaction { _ in } }, throws: isTimeout)
                #expect(throws: Never.self) { try store.nextEvent() }
            }
        }
        #expect(others < 20 * Self.patience)
        fake.goOn()
        _ = try Poll.wait([store.descriptor], timeoutMilliseconds: 10_000)
        #expect(try store.nextEvent() == nil && store.condition == .open)
        // The late answer is not taken for the answer to this question.
        #expect(try text(store, "memory/target") == "4711")
        #expect(fake.requests.map(\.path) == ["domid", "domid", "memory/target"], "and nothing was asked in vain")
    }

    /// The client need not be asked for events first.
    @Test func `a xenstored that goes on is read again without a look for events`() throws {
        let store = try client()
        fake.pause()
        usleep(20_000)
        #expect(performing: { try self.text(store, "domid") }, throws: isTimeout)
        fake.goOn()
        _ = try Poll.wait([store.descriptor], timeoutMilliseconds: 10_000)
        #expect(try text(store, "memory/target") == "4711" && store.condition == .open)
    }

    /// The client learns the number only from the late answer. It aborts the transaction then.
    @Test func `a transaction whose number arrives after the timeout is aborted`() throws {
        let store = try client()
        fake.pause()
        usleep(20_000)
        #expect(performing: { try store.transaction { _ in } }, throws: isTimeout)
        fake.goOn()
        _ = try Poll.wait([store.descriptor], timeoutMilliseconds: 10_000)
        #expect(try store.nextEvent() == nil)
        #expect(try text(store, "domid") == "3")
        #expect(fake.requests.map(\.kind) == [.begin, .end, .read])
        #expect(fake.requests[1].path == "F" && fake.requests[1].header[2] == 7)
    }

    /// The client drops the open transaction without waiting again.
    @Test func `a transaction in which xenstored falls silent is aborted without a second wait`() throws {
        let store = try client()
        let taken = time {
            #expect(
                performing: {
                    try store.transaction { (transaction) throws(BalloonError) in
                        self.fake.pause()
                        usleep(20_000)
                        try store.write("data/a", "1", in: transaction)
                    }
                }, throws: isTimeout)
        }
        #expect(taken < 50 * Self.patience)
        fake.goOn()
        _ = try Poll.wait([store.descriptor], timeoutMilliseconds: 10_000)
        #expect(try text(store, "domid") == "3")
        #expect(fake.requests.map(\.kind) == [.begin, .write, .end, .read] && fake.requests[2].path == "F")
    }

    /// The event arrived together with an answer, so the descriptor is not readable any more.
    @Test func `an event that came with an answer is there while the descriptor is quiet`() throws {
        let store = try client(patience: .seconds(10))
        try store.watch("memory", token: "memory")
        #expect(try text(store, "domid") == "3")
        #expect(store.hasEvents)
        #expect(try Poll.wait([store.descriptor], timeoutMilliseconds: 0).isEmpty)
        #expect(try store.nextEvent() == "memory" && !store.hasEvents)
        fake.sendEvents(["memory/target", "memory/vnode0"])
        _ = try Poll.wait([store.descriptor], timeoutMilliseconds: 10_000)
        #expect(try store.nextEvent() == "memory/target")
    }

    @Test func `a watch that exists is no error, and one over quota is`() throws {
        let store = try client(patience: .seconds(10))
        fake.react { $0.kind == .watch ? .refused("EEXIST") : .honest }
        try store.watch("memory", token: "memory")
        fake.react { $0.kind == .watch ? .refused("E2BIG") : .honest }
        #expect { try store.watch("control", token: "control") } throws: { "\($0)".contains("quota of watches") }
    }

    /// No call hangs, and the descriptor does not wake the loop again and again.
    @Test func `a xenstored that hung up is lost, and every call is an error at once`() throws {
        let store = try client(patience: .seconds(10))
        #expect(try text(store, "domid") == "3")
        fake.hangUp()
        #expect(throws: BalloonError.self) { try self.text(store, "domid") }
        #expect(store.condition == .lost && store.descriptor == -1)
        #expect(throws: BalloonError.self) { try store.nextEvent() }
        #expect(throws: BalloonError.self) { try store.transaction { _ in } }
    }

    @Test func `a path that is no xenstore is refused`() throws {
        #expect { try Xenstore(paths: ["/nowhere"]) } throws: { ($0 as? BalloonError)?.code == .noXen }
        // A file can be opened, and never answers.
        #expect { try Xenstore(paths: ["/etc/passwd"]) } throws: { ($0 as? BalloonError)?.code == .noXen }
        #expect { try Xenstore(paths: ["/dev/null"]).read("domid", in: nil) } throws: {
            ($0 as? BalloonError)?.code == .store
        }
    }
}
