import Glibc
import Testing

@testable import VNodeBalloon

/// Many questions at once, as dom0 asks them of many domains.
@Suite final class TogetherTests {
    let work: TemporaryDirectory
    let fake: FakeXenstored
    let store: Xenstore

    init() throws {
        work = try TemporaryDirectory()
        fake = try FakeXenstored(path: work.path + "/s")
        store = try Xenstore(paths: [work.path + "/s"], patience: .seconds(30))
        for number in 0..<1000 where number % 3 != 0 { fake.set("/row/\(number)", "\(number)") }
    }

    deinit { fake.stop() }

    private let paths = (0..<1000).map { "/row/\($0)" }

    private func wanted(_ number: Int) -> [UInt8]? { number % 3 == 0 ? nil : Array("\(number)".utf8) }

    @Test func `many rows are asked for before the first answer, and each gets its own`() throws {
        var unread = 0
        store.whileWaiting = { [fake] _ in
            unread = max(unread, fake.unread)
            fake.goOn()
        }
        _ = try store.read("/row/1", in: nil)
        fake.pause()
        usleep(20_000)
        #expect(try store.read(all: paths) == (0..<1000).map(wanted))
        #expect(unread > 100 * (StoreMessage.headerBytes + 7))
        #expect(try store.read(all: []) == [])
    }

    @Test func `names below many nodes are listed`() throws {
        fake.set("/a/b/c", "1")
        fake.set("/a/d", "2")
        #expect(try store.children(all: ["/a", "/e", "/a/b"]) == [["b", "d"], nil, ["c"]])
    }

    @Test func `an error among the answers ends it, and no late answer is taken for the next question`() throws {
        fake.react { $0.path == "/row/70" ? .refused("EACCES") : .honest }
        #expect { try self.store.read(all: self.paths) } throws: { ($0 as? BalloonError)?.errno == EACCES }
        #expect(try store.read("/row/71", in: nil) == wanted(71) && store.condition == .open)
        let hasty = try Xenstore(paths: [work.path + "/s"], patience: .milliseconds(100))
        _ = try hasty.read("/row/1", in: nil)
        fake.react { _ in .honest }
        fake.pause()
        usleep(20_000)
        #expect { try hasty.read(all: self.paths) } throws: { ($0 as? BalloonError)?.errno == ETIMEDOUT }
        fake.goOn()
        _ = try Poll.wait([hasty.descriptor], timeoutMilliseconds: 10_000)
        #expect(try hasty.nextEvent() == nil && hasty.condition == .open)
        #expect(try hasty.read(all: paths) == (0..<1000).map(wanted))
    }
}
