import CBalloonShim
import Glibc
import Synchronization
import Testing

/// A xenstored for tests, which answers honestly or not. It speaks the wire protocol (xen/io/xs_wire.h) over a Unix
/// socket, on its own thread.
final class FakeXenstored: Sendable {
    /// The message types that the tests use.
    enum Kind: UInt32 {
        case directory = 1
        case read = 2
        case watch = 4
        case unwatch = 5
        case begin = 6
        case end = 7
        case write = 11
        case event = 15
        case error = 16
    }

    struct Request: Sendable {
        var kind: Kind?
        var header: [UInt32]
        var body: [UInt8]

        /// The body up to the first NUL.
        var path: String { String(decoding: body.prefix { $0 != 0 }, as: UTF8.self) }
        /// The body behind the first NUL.
        var value: [UInt8] { Array(body.drop { $0 != 0 }.dropFirst()) }
    }

    /// What the fake does with a request.
    enum Reaction: Sendable {
        case honest
        case late(milliseconds: UInt32)
        case twice
        /// Answers with this error.
        case refused(String)
        /// Sends these bytes instead of an answer, and hangs up.
        case lastWords([UInt8])
    }

    private struct State {
        var nodes: [String: [UInt8]] = [:]
        var requests: [Request] = []
        var connections: [Int32] = []
        var react: @Sendable (Request) -> Reaction = { _ in .honest }
        var isStopping = false
        var isPaused = false
    }

    private let state = Mutex(State())
    private let listener: Int32
    private let path: String

    /// - Parameter path: the socket, where libxenstore looks for it.
    init(path: String) throws {
        self.path = path
        // Unsafe: C reads a path that Swift lends it for the call.
        listener = unsafe cb_socket_listen(path, 8)
        try #require(listener >= 0)
        var thread = pthread_t()
        // Unsafe: the thread gets a reference of its own, and gives it back when it ends.
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        let started = unsafe pthread_create(
            &thread, nil,
            { context in
                unsafe Unmanaged<FakeXenstored>.fromOpaque(context!).takeRetainedValue().serve()
                return nil
            }, context)
        try #require(started == 0)
        pthread_detach(thread)
    }

    /// The thread notices this within a few milliseconds, and closes all connections.
    func stop() {
        state.withLock { $0.isStopping = true }
        // Unsafe: C reads a path that Swift lends it for the call.
        _ = unsafe unlink(path)
    }

    // MARK: For the tests

    func set(_ path: String, _ value: [UInt8]) { state.withLock { $0.nodes[path] = value } }
    func set(_ path: String, _ value: String) { set(path, Array(value.utf8)) }
    func value(_ path: String) -> String? {
        state.withLock { $0.nodes[path] }.map { String(decoding: $0, as: UTF8.self) }
    }
    /// All requests so far.
    var requests: [Request] { state.withLock { $0.requests } }
    func react(_ react: @escaping @Sendable (Request) -> Reaction) { state.withLock { $0.react = react } }

    /// Sends one watch event for each path.
    func sendEvents(_ paths: [String]) { sendEvents(paths.map { Array($0.utf8) }) }

    func sendEvents(_ paths: [[UInt8]]) {
        let messages = paths.map { Self.message(.event, 0, 0, $0 + [0] + Array("memory".utf8) + [0]) }
        for connection in state.withLock({ $0.connections }) { send(Array(messages.joined()), to: connection) }
    }

    /// Plays a xenstored that is stopped: it reads and answers nothing until it goes on, and then answers everything.
    func pause() { state.withLock { $0.isPaused = true } }
    func goOn() { state.withLock { $0.isPaused = false } }

    /// How many bytes wait to be read, while it is paused.
    var unread: Int {
        state.withLock(\.connections).reduce(0) { sum, connection in
            var bytes: Int32 = 0
            // Unsafe: C fills a number.
            return unsafe ioctl(connection, UInt(FIONREAD), &bytes) == 0 ? sum + Int(bytes) : sum
        }
    }

    /// Lets all connections go.
    func hangUp() { for connection in state.withLock({ $0.connections }) { shutdown(connection, Int32(SHUT_RDWR)) } }

    // MARK: The thread

    private func serve() {
        while !state.withLock({ $0.isStopping }) {
            if state.withLock({ $0.isPaused }) {
                usleep(1000)
                continue
            }
            let watched = [listener] + state.withLock { $0.connections }
            var ready = [UInt8](repeating: 0, count: watched.count)
            // Unsafe: three lists of the same length, which is passed along.
            _ = unsafe cb_poll(
                watched, [UInt8](repeating: 0, count: watched.count), &ready, UInt32(watched.count), 5)
            for index in watched.indices where ready[index] & 1 != 0 {
                if index == 0 { accept() } else if !answer(watched[index]) { close(watched[index]) }
            }
        }
        for connection in state.withLock({ $0.connections }) { Glibc.close(connection) }
        Glibc.close(listener)
    }

    private func accept() {
        let connection = cb_socket_accept(listener)
        guard connection >= 0 else { return }
        _ = fcntl(connection, F_SETFL, 0)
        state.withLock { $0.connections.append(connection) }
    }

    private func close(_ connection: Int32) {
        state.withLock { state in state.connections.removeAll { $0 == connection } }
        Glibc.close(connection)
    }

    /// Answers one request. Returns false if the connection is to end.
    private func answer(_ connection: Int32) -> Bool {
        guard let head = receive(16, from: connection) else { return false }
        let header = [0, 4, 8, 12].map { Self.word(head, at: $0) }
        guard let body = receive(Int(header[3]), from: connection) else { return false }
        let request = Request(kind: Kind(rawValue: header[0]), header: header, body: body)
        let reaction = state.withLock { state in
            state.requests.append(request)
            return state.react(request)
        }
        if case .refused(let error) = reaction {
            return send(Self.message(.error, header[1], header[2], Array(error.utf8) + [0]), to: connection)
        }
        let messages = state.withLock { Self.carryOut(request, &$0.nodes) }
        switch reaction {
        case .honest, .refused: return send(messages, to: connection)
        case .late(let milliseconds):
            usleep(milliseconds * 1000)
            return send(messages, to: connection)
        case .twice: return send(messages, to: connection) && send(messages, to: connection)
        case .lastWords(let bytes):
            _ = send(bytes, to: connection)
            return false
        }
    }

    /// The answer that an honest xenstored gives.
    private static func carryOut(_ request: Request, _ nodes: inout [String: [UInt8]]) -> [UInt8] {
        func reply(_ kind: Kind, _ body: [UInt8]) -> [UInt8] {
            message(kind, request.header[1], request.header[2], body)
        }
        let done = Array("OK".utf8) + [0]
        switch request.kind {
        case .read:
            guard let value = nodes[request.path] else { return reply(.error, Array("ENOENT".utf8) + [0]) }
            return reply(.read, value)
        case .write:
            nodes[request.path] = request.value
            return reply(.write, done)
        case .directory:
            let below = nodes.keys.filter { $0.hasPrefix(request.path + "/") }
            let names = Set(below.compactMap { $0.dropFirst(request.path.count + 1).split(separator: "/").first })
            guard !names.isEmpty else { return reply(.error, Array("ENOENT".utf8) + [0]) }
            return reply(.directory, names.sorted().flatMap { Array($0.utf8) + [0] })
        case .begin: return reply(.begin, Array("7".utf8) + [0])
        case .end: return reply(.end, done)
        case .watch: return reply(.watch, done) + message(.event, 0, 0, request.body)
        case .unwatch: return reply(.unwatch, done)
        default: return reply(.error, Array("EINVAL".utf8) + [0])
        }
    }

    static func message(_ kind: Kind, _ request: UInt32, _ transaction: UInt32, _ body: [UInt8]) -> [UInt8] {
        header(kind, request, transaction, UInt32(body.count)) + body
    }

    private static func word(_ bytes: [UInt8], at place: Int) -> UInt32 {
        bytes[place..<place + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    static func header(_ kind: Kind, _ request: UInt32, _ transaction: UInt32, _ length: UInt32) -> [UInt8] {
        [kind.rawValue, request, transaction, length].flatMap { word in
            (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32($0 * 8)) }
        }
    }

    private func receive(_ count: Int, from connection: Int32) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            // Unsafe: a list and its length.
            let length = unsafe bytes.withUnsafeMutableBufferPointer {
                unsafe recv(connection, $0.baseAddress! + done, count - done, 0)
            }
            guard length > 0 else { return nil }
            done += length
        }
        return bytes
    }

    @discardableResult
    private func send(_ bytes: [UInt8], to connection: Int32) -> Bool {
        // Unsafe: a list and its length.
        unsafe bytes.withUnsafeBufferPointer {
            unsafe Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) == $0.count
        }
    }
}
