import BalloonCore
import BalloonSystem
import CBalloonShim
import Glibc
import Logging
import Testing
import VNodeBalloon

/// What systemd's journal gets.
@Suite struct JournalTests {
    private func text(_ fields: [(name: String, value: String)]) -> String {
        String(decoding: JournalMessage("m", priority: 4, identifier: "i", fields: fields).bytes, as: UTF8.self)
    }
    private let head = "MESSAGE=m\nPRIORITY=4\nSYSLOG_IDENTIFIER=i\nSYSLOG_FACILITY=3\n"

    @Test func `a message has a line for each field`() {
        #expect(text([]) == head)
        #expect(text([("VNODE", "1"), ("state-dir", "/run/a b")]) == head + "VNODE=1\nSTATE_DIR=/run/a b\n")
    }

    @Test func `no value can make another field`() {
        let value = "a\nPRIORITY=0"
        #expect(text([("ERROR", value)]) == head + "ERROR\n\u{c}\0\0\0\0\0\0\0\(value)\n")
        let message = JournalMessage(value, priority: 4, identifier: "i")
        #expect(message.bytes.starts(with: Array("MESSAGE\n\u{c}\0\0\0\0\0\0\0\(value)\n".utf8)))
        // A length of two bytes.
        let long = String(repeating: "\n", count: 300)
        #expect(
            JournalMessage(long, priority: 4, identifier: "i").bytes[8...15].elementsEqual([44, 1, 0, 0, 0, 0, 0, 0]))
    }

    @Test func `no name takes the place of another field, or of the journal's own`() {
        #expect(
            text([("_PID", "1"), ("message", "x"), ("Priority", "0"), ("syslog-identifier", "x")]) == head + "PID=1\n")
        #expect(text([("", "x"), ("1", "x"), ("=", "x"), ("\n", "x"), ("ä=", "x")]) == head)
        #expect(text([("a=b\nc", "x")]) == head + "A_B_C=x\n")
        #expect(text([(String(repeating: "a", count: 99), "x")]) == head + String(repeating: "A", count: 64) + "=x\n")
    }

    @Test func `a message names the service of its process`() {
        func service(_ text: String) -> String? { JournalMessage.service(cgroup: Array(text.utf8)) }
        #expect(service("0::/system.slice/vnode-balloon.service\n") == "vnode-balloon.service")
        #expect(service("1:cpu:/a.service\n0::/system.slice/b.service/inner\n") == "b.service")
        #expect(service("0::/user.slice/session-1.scope\n") == nil && service("") == nil)
    }

    @Test func `a list is a field with several values, one by one`() {
        let nodes: Logger.MetadataValue = .array(["0", "1"])
        #expect(nodes.journalValues == ["0", "1"] && Logger.MetadataValue.string("0, 1").journalValues == ["0, 1"])
        #expect(Logger.MetadataValue.array([]).journalValues.isEmpty)
        #expect(text(nodes.journalValues.map { ("PNODE", $0) }) == head + "PNODE=0\nPNODE=1\n")
    }

    @Test func `kinds of messages have numbers of their own, in the form that the journal takes`() {
        let numbers = JournalEvent.allCases.map(\.rawValue)
        #expect(Set(numbers).count == numbers.count)
        for number in numbers {
            #expect(number.count == 32 && number.allSatisfy { "0123456789abcdef".contains($0) })
        }
    }

    @Test func `a message arrives whole, and where there is no journal that is told`() throws {
        let work = try TemporaryDirectory()
        let path = work.path + "/journal"
        let message = JournalMessage("hello", priority: 5, identifier: "i", fields: [("VNODE", "1")])
        #expect(!Journal.send(message, to: path))
        let socket = try DatagramSocket(path)
        #expect(Journal.send(message, to: path))
        #expect(socket.receive() == message.bytes)
        // A reader that does not read keeps no writer waiting.
        var sent = 0
        while sent < 100_000, Journal.send(message, to: path) { sent += 1 }
        #expect((1..<100_000).contains(sent))
        let long = JournalMessage(String(repeating: "x", count: 8 << 20), priority: 5, identifier: "i")
        #expect(!Journal.send(long, to: path))
    }
}

/// A socket that takes datagrams.
private struct DatagramSocket: ~Copyable {
    private let descriptor: Int32

    // Unsafe: C's structure of an address, filled and lent for the call.
    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let bound = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(descriptor >= 0 && bound == 0)
    }

    deinit { close(descriptor) }

    /// The next datagram, without waiting.
    func receive() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        return Array(bytes.prefix(max(count, 0)))
    }
}
