internal import CBalloonShim
internal import Glibc

/// The daemon's Unix socket: one request a line, each answered with one line of JSON.
///
/// Root only: mode 0600 in a 0700 directory, and the peer's user is checked. Nothing blocks. What does not fit into a
/// client's socket waits. A client that sends too much, or does not end a request for long, is let go. What many
/// clients ask for at once is done over several turns of the loop, each client in its turn.
public final class ControlSocket: RequestSource {
    /// The longest request, its newline included.
    static let longestLine = 256
    /// Clients at once; more wait in the backlog.
    static let mostClients = 256
    /// A client must end its request, and read its answer, in this time.
    static let patience: Interval = .seconds(10)
    /// How long no client is accepted when there are too many open files.
    static let acceptPause: Interval = .seconds(1)
    /// Once the requests of one turn took so long, the remaining ones wait for the next turn of the loop.
    static let turn: Interval = .milliseconds(50)

    private final class Client {
        let socket: FileDescriptor
        /// Never longer than a line.
        var received: [UInt8] = []
        var unsent: [UInt8] = []
        /// When it was accepted, or its last answer was sent.
        var lastDone: Moment

        init(_ socket: FileDescriptor, now: Moment) {
            self.socket = socket
            lastDone = now
        }

        var hasLine: Bool { received.contains(UInt8(ascii: "\n")) }
    }

    private let path: String
    private let listener: FileDescriptor
    private let clock: () -> Moment
    /// The clients that were served last come last.
    private var clients: [Client] = []
    /// When to accept clients again, after no descriptor was left for one.
    private var acceptAgain: Moment?

    /// - Parameter clock: shows how long answers take.
    /// - Throws: `.environment`.
    public init(path: String, clock: @escaping () -> Moment = { BalloonEngine.now }) throws(BalloonError) {
        self.path = path
        self.clock = clock
        listener = FileDescriptor(
            try check(
                unsafe cb_socket_listen(path, UInt32(Self.mostClients)), .environment,
                "cannot listen on \(path); move away what is there, or use another --state-dir"))
    }

    /// What to poll, and which of it waits for room to write.
    package var watched: (descriptors: [Int32], writing: [Int]) {
        // A listener with no place for its clients would wake us for nothing.
        let open = clients.count < Self.mostClients && acceptAgain == nil ? [listener.rawValue] : []
        let writing = clients.indices.filter { !clients[$0].unsent.isEmpty }.map { $0 + open.count }
        return (open + clients.map(\.socket.rawValue), writing)
    }

    /// When a client's patience ends, or at once when a request is left from this turn.
    package var nextTimeout: Moment? {
        if clients.contains(where: { $0.unsent.isEmpty && $0.hasLine }) { return .zero }
        return (clients.map { $0.lastDone + Self.patience } + [acceptAgain].compactMap(\.self)).min()
    }

    /// How many clients there are.
    var clientCount: Int { clients.count }
    /// Bytes that are kept for clients.
    var keptBytes: Int { clients.reduce(0) { $0 + $1.received.count + $1.unsent.count } }

    /// Serves the clients that are ready. `answer` turns a request into a line of JSON.
    package func serve(_ ready: Set<Int32>, now: Moment, _ answer: (String) -> String) {
        if let again = acceptAgain, now >= again { acceptAgain = nil }
        if ready.contains(listener.rawValue) { accept(now) }
        let end = clock() + Self.turn
        var (waiting, served): ([Client], [Client]) = ([], [])
        for client in clients {
            let isReady = ready.contains(client.socket.rawValue) || client.hasLine
            if isReady && clock() < end {
                if serve(client, now, answer) { served.append(client) }
            } else if now <= client.lastDone + Self.patience || isReady {
                waiting.append(client)
            }
        }
        clients = waiting + served
    }

    /// One turn of a loop that serves clients only and does not sleep. Returns true when requests are left.
    @discardableResult
    package func turn(_ answer: (String) -> String) throws(BalloonError) -> Bool {
        let (descriptors, writing) = watched
        let ready = try Poll.wait(descriptors, writing: writing, urgent: nil, timeoutMilliseconds: 0)
        let woken = Set((ready.readable + ready.writable).map { descriptors[$0] })
        serve(woken, now: clock(), answer)
        return !woken.isEmpty || nextTimeout == .zero
    }

    private func accept(_ now: Moment) {
        while clients.count < Self.mostClients {
            let accepted = cb_socket_accept(listener.rawValue)
            if accepted == -EAGAIN || accepted == -ECONNABORTED { return }
            guard accepted >= 0 else {
                // The listener stays readable, and must not wake us all the time.
                acceptAgain = now + Self.acceptPause
                return
            }
            let socket = FileDescriptor(accepted)
            var user: UInt32 = .max
            var process: Int32 = 0
            // Unsafe: the shim sets both numbers.
            guard unsafe cb_socket_peer(accepted, &user, &process) >= 0, user == cb_effective_user() else { continue }
            clients.append(Client(socket, now: now))
        }
    }

    /// One round with one client: at most one line of it is answered. False when the client is to go.
    private func serve(_ client: Client, _ now: Moment, _ answer: (String) -> String) -> Bool {
        // A client that gave up waiting, because the daemon was stopped, must not be obeyed later.
        if Poll.isHungUp(client.socket.rawValue) { return false }
        guard send(client, now), receive(client) else { return false }
        if client.unsent.isEmpty, let end = client.received.firstIndex(of: UInt8(ascii: "\n")) {
            let line = String(decoding: client.received[..<end], as: UTF8.self)
            client.received.removeSubrange(...end)
            client.unsent = Array((answer(line) + "\n").utf8)
            guard send(client, now) else { return false }
        }
        // A byte a second, or an answer that is never read, is no progress.
        return now <= client.lastDone + Self.patience
    }

    /// Takes in what came, as far as a line goes. False when the client is to go.
    private func receive(_ client: Client) -> Bool {
        // Lines that are here already are answered first. A client that sends more than the buffer holds does not wait
        // for its answers.
        let room = Self.longestLine - client.received.count
        guard room > 0 else { return client.hasLine && client.unsent.isEmpty }
        let count = client.received.count
        var length: Int64 = 0
        client.received.append(contentsOf: repeatElement(0, count: room))
        // Unsafe: the shim fills at most the room behind what is there.
        unsafe client.received.withUnsafeMutableBufferPointer { buffer in
            unsafe length = cb_socket_receive(client.socket.rawValue, buffer.baseAddress! + count, room)
        }
        client.received.removeLast(room - max(0, Int(length)))
        if length == -Int64(EAGAIN) { return true }
        guard length > 0 else { return client.hasLine && length == 0 && client.unsent.isEmpty }
        return client.hasLine || client.received.count < Self.longestLine
    }

    /// Sends what fits. False when the client is gone.
    private func send(_ client: Client, _ now: Moment) -> Bool {
        guard !client.unsent.isEmpty else { return true }
        // Unsafe: a list and its length.
        let sent = unsafe client.unsent.withUnsafeBufferPointer {
            unsafe cb_socket_send(client.socket.rawValue, $0.baseAddress, $0.count)
        }
        if sent == -Int64(EAGAIN) { return true }
        guard sent >= 0 else { return false }
        client.unsent.removeFirst(Int(sent))
        if client.unsent.isEmpty { client.lastDone = now }
        return true
    }
}
