import Glibc
import Simulation
import Testing

@testable import VNodeBalloon

/// Clients of every kind, and a loop that none of them may delay. The test sets the clock: nothing here waits.
@Suite final class ControlSocketTests {
    let work: TemporaryDirectory
    let socket: ControlSocket
    /// The time for the socket; its clock closure reads it here.
    private final class Time { var now: Moment = .at(1000) }
    private let time = Time()
    var answered: [String] = []
    /// How long the engine takes to answer, and its answer.
    var cost: Interval = 0
    var answer = "{}"

    init() throws {
        work = try TemporaryDirectory()
        socket = try ControlSocket(path: work.path + "/s") { [time] in time.now }
    }

    deinit { work.remove("s") }

    func client() throws -> TestClient { try TestClient(work.path + "/s") }

    /// One turn of a loop like the daemon's. Returns whether there was something to do.
    @discardableResult
    func turn() throws -> Bool {
        try socket.turn { line in
            answered.append(line)
            time.now += cost
            return answer
        }
    }

    /// Turns until there is nothing to do. A loop that never becomes quiet fails the test.
    func settle(_ location: SourceLocation = #_sourceLocation) throws {
        for _ in 0..<2000 where try !turn() { return }
        Issue.record("the loop never sleeps", sourceLocation: location)
    }

    func pass(seconds: UInt64) { time.now += seconds * 1_000_000_000 }

    @Test func `the control socket has mode 0600`() throws {
        var info = stat()
        // Unsafe: C fills a struct.
        #expect(unsafe stat(work.path + "/s", &info) == 0)
        #expect(info.st_mode & 0o777 == 0o600)
    }

    /// Even if the mode of the socket let other users in, the daemon checks each client's user.
    @Test(.enabled(if: geteuid() == 0))
    func `a client of another user is closed without an answer, even if the mode lets it in`() throws {
        // Unsafe: C reads paths that Swift lends it for the calls.
        #expect(unsafe chmod(work.path, 0o711) == 0)
        #expect(unsafe chmod(work.path + "/s", 0o666) == 0)
        // The kernel's own call: the C library's would make all threads another user.
        guard let call = unsafe dlsym(nil, "syscall") else {
            Issue.record("there is no syscall()")
            return
        }
        let raw = unsafe unsafeBitCast(call, to: (@convention(c) (Int, Int, Int, Int) -> Int).self)
        let setresuid = 117
        try #require(raw(setresuid, -1, 65534, -1) == 0)
        let stranger = try? client()
        try #require(raw(setresuid, -1, 0, -1) == 0)
        let client = try #require(stranger)
        client.send("status\n")
        try settle()
        #expect(client.receive() == nil && answered.isEmpty && socket.clientCount == 0)
    }

    @Test func `each line of a client gets one answer, whatever bytes it has`() throws {
        let client = try client()
        for line in ["status", "", "no such thing", "a\0b", "tab\t", "cr\r", String(repeating: "x", count: 255)] {
            client.send(line + "\n")
            try settle()
            #expect(client.receive() == "{}\n" && answered.last == line, "\(line)")
        }
        client.send([0xff, 0xfe, UInt8(ascii: "\n")])
        try settle()
        #expect(client.receive() == "{}\n")
        #expect(answered.count == 8)
    }

    @Test func `two hundred clients at once are all answered, and leave nothing behind`() throws {
        let clients = try (0..<200).map { _ in try client() }
        for (number, client) in clients.enumerated() { client.send("\(number)\n") }
        try settle()
        #expect(socket.clientCount == 200)
        #expect(clients.allSatisfy { $0.receive() == "{}\n" })
        #expect(Set(answered.compactMap { Int($0) }) == Set(0..<200) && answered.count == 200)
        for client in clients { client.end() }
        try settle()
        #expect(socket.clientCount == 0 && socket.keptBytes == 0)
    }

    /// They wait without waking the loop.
    @Test func `clients beyond the limit wait until others leave, and are answered then`() throws {
        var clients = try (0..<200).map { _ in try client() }
        try turn()
        clients += try (0..<100).map { _ in try client() }
        for client in clients { client.send("status\n") }
        try settle()
        #expect(socket.clientCount == ControlSocket.mostClients && answered.count == ControlSocket.mostClients)
        for client in clients.prefix(100) { client.end() }
        try settle()
        #expect(answered.count == 300)
        #expect(clients.dropFirst(100).allSatisfy { $0.receive() == "{}\n" })
    }

    @Test func `a client that sends no whole line in time is disconnected`() throws {
        let silent = try client()
        let slow = try client()
        for second in 0..<15 {
            slow.send("s")
            try settle()
            #expect((slow.receive() == nil) == (second > 10), "second \(second)")
            pass(seconds: 1)
        }
        try settle()
        #expect(silent.receive() == nil && socket.clientCount == 0 && answered.isEmpty)
    }

    /// Each request counts anew.
    @Test func `a client that asks now and then stays connected`() throws {
        let client = try client()
        for _ in 0..<5 {
            client.send("status\n")
            try settle()
            #expect(client.receive() == "{}\n")
            pass(seconds: 9)
        }
        #expect(socket.clientCount == 1)
    }

    @Test func `a client that sends a MiB without a newline is disconnected, and little of it is kept`() throws {
        let client = try client()
        let bytes = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        for _ in 0..<8 {
            client.send(bytes)
            try turn()
            #expect(socket.keptBytes <= ControlSocket.longestLine)
        }
        try settle()
        #expect(client.receive() == nil && socket.clientCount == 0 && answered.isEmpty)
    }

    /// The longest line includes its line end.
    @Test func `a client whose line is one byte too long is disconnected without an answer`() throws {
        let client = try client()
        client.send(String(repeating: "x", count: 256) + "\n")
        try settle()
        #expect(client.receive() == nil && answered.isEmpty)
    }

    /// The socket keeps one answer for it and reads no further request of it. The other clients notice nothing.
    @Test func `a client that never reads has one answer kept, and the other clients are answered`() throws {
        answer = String(repeating: "y", count: 1 << 20)
        let deaf = try client()
        deaf.send("status\nstatus\nstatus\n")
        try settle()
        #expect(answered.count == 1 && socket.keptBytes <= (1 << 20) + 1 + ControlSocket.longestLine)
        answer = "{}"
        let other = try client()
        for _ in 0..<20 {
            other.send("status\n")
            try settle()
            #expect(other.receive() == "{}\n")
        }
        for _ in 0..<200 {
            deaf.send("status\n")
            try turn()
            #expect(socket.keptBytes <= (1 << 20) + 1 + 2 * ControlSocket.longestLine)
        }
        try settle()
        #expect(socket.clientCount == 1)
    }

    @Test func `a client that neither reads nor sends is disconnected after ten seconds`() throws {
        answer = String(repeating: "y", count: 1 << 20)
        let deaf = try client()
        deaf.send("status\n")
        try settle()
        #expect(socket.clientCount == 1)
        pass(seconds: 11)
        try settle()
        #expect(socket.clientCount == 0)
    }

    /// To read a little of an answer now and then does not count as progress.
    @Test func `a client that reads an answer too slowly is disconnected`() throws {
        answer = String(repeating: "y", count: 8 << 20)
        let slow = try client()
        slow.send("status\n")
        for second in 0..<15 {
            try settle()
            #expect((slow.receive() == nil) == (second > 11), "second \(second)")
            pass(seconds: 1)
        }
        #expect(socket.clientCount == 0)
    }

    /// poll reports the closed end again and again, which must not keep the loop awake.
    @Test func `a client that closed its sending end and never reads is disconnected at once`() throws {
        answer = String(repeating: "y", count: 1 << 20)
        let deaf = try client()
        deaf.send("1\n2\n")
        deaf.endSending()
        try settle()
        #expect(answered == ["1"] && socket.clientCount == 0)
    }

    /// Each of several lines gets its answer, in order.
    @Test func `several lines sent at once are answered in order, and part of a line waits for its rest`() throws {
        let client = try client()
        client.send("1\n2\n3\n4")
        try settle()
        #expect(client.receive() == "{}\n{}\n{}\n" && answered == ["1", "2", "3"])
        client.send("5\n")
        try settle()
        #expect(client.receive() == "{}\n" && answered.last == "45")
    }

    /// A client that gave up waiting must not get its request carried out.
    @Test func `a request of a client that has disconnected is not carried out`() throws {
        let gone = try client()
        gone.send("force 0 0\n")
        gone.end()
        let half = try client()
        half.send("force 0 0")
        half.end()
        try settle()
        #expect(answered.isEmpty && socket.clientCount == 0)
    }

    /// Such a client has only said that it sends no more requests.
    @Test func `a client that closed its sending end still gets its answers`() throws {
        let client = try client()
        client.send("1\n2\n")
        client.endSending()
        try settle()
        #expect(client.receive() == "{}\n{}\n")
        #expect(client.receive() == nil && socket.clientCount == 0)
    }

    /// No client is served twice before all others were served once.
    @Test func `costly requests are spread over turns, one for each client in rotation`() throws {
        cost = ControlSocket.turn * 2 / 3
        let clients = try (0..<10).map { _ in try client() }
        for (number, client) in clients.enumerated() { client.send("\(number)\n\(number)\n\(number)\n") }
        try turn()
        for turn in 1...15 {
            try self.turn()
            #expect(answered.count == turn * 2)
        }
        #expect(Set(answered.prefix(10)).count == 10 && Set(answered[10..<20]).count == 10)
        try settle()
        #expect(answered.count == 30)
    }
}
