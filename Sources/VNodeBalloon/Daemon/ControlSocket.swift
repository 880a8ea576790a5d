internal import CBalloonShim
internal import Glibc

/// The daemon's Unix socket: one request a line, each answered with one line of JSON.
///
/// Root only (mode 0600 in a 0700 directory, and the peer is asked). Nothing blocks: what does not fit into a client's
/// socket waits, and a client that sends too much, or nothing for long, is let go.
public final class ControlSocket {
    /// The longest request.
    static let longestLine = 256
    /// Clients at once; more wait in the backlog.
    static let mostClients = 32
    /// A client that does nothing for so long is let go. Nanoseconds.
    static let patience: UInt64 = 10_000_000_000

    private final class Client {
        let socket: FileDescriptor
        var received: [UInt8] = []
        var unsent: [UInt8] = []
        var lastHeard: UInt64

        init(_ socket: FileDescriptor, now: UInt64) {
            self.socket = socket
            lastHeard = now
        }
    }

    private let path: String
    private let listener: FileDescriptor
    private var clients: [Client] = []

    /// - Throws: `.system`.
    public init(path: String) throws(BalloonError) {
        self.path = path
        // Unsafe: a C string for the call.
        listener = FileDescriptor(try check(unsafe cb_socket_listen(path, 128), "cannot listen on \(path)"))
    }

    /// What to poll, and which of it waits for room to write.
    var watched: (descriptors: [Int32], writing: [Int]) {
        // A listener with no place for its clients would wake us for nothing.
        let open = clients.count < Self.mostClients ? [listener.rawValue] : []
        let writing = clients.indices.filter { !clients[$0].unsent.isEmpty }.map { $0 + open.count }
        return (open + clients.map(\.socket.rawValue), writing)
    }

    /// When a silent client's patience ends.
    var nextTimeout: UInt64? { clients.map { $0.lastHeard + Self.patience }.min() }

    /// Serves whoever is ready. `answer` turns a request into a line of JSON.
    func serve(_ ready: Set<Int32>, now: UInt64, _ answer: (String) -> String) {
        if ready.contains(listener.rawValue) { accept(now) }
        clients.removeAll { client in
            guard ready.contains(client.socket.rawValue) else { return now > client.lastHeard + Self.patience }
            client.lastHeard = now
            return !receive(client, answer) || !send(client)
        }
    }

    private func accept(_ now: UInt64) {
        while clients.count < Self.mostClients {
            let accepted = cb_socket_accept(listener.rawValue)
            guard accepted >= 0 else { return }
            let socket = FileDescriptor(accepted)
            var user: UInt32 = .max
            var process: Int32 = 0
            // Unsafe: the shim sets both numbers.
            guard unsafe cb_socket_peer(accepted, &user, &process) >= 0, user == 0 else { continue }
            clients.append(Client(socket, now: now))
        }
    }

    /// Takes in what came. False when the client is to go.
    private func receive(_ client: Client, _ answer: (String) -> String) -> Bool {
        // Whoever gave up waiting, for a daemon that was stopped, must not be obeyed later.
        if Poll.isHungUp(client.socket.rawValue) { return false }
        var buffer = [UInt8](repeating: 0, count: Self.longestLine)
        // Unsafe: the shim fills at most the buffer.
        let length = unsafe buffer.withUnsafeMutableBufferPointer {
            unsafe cb_socket_receive(client.socket.rawValue, $0.baseAddress, $0.count)
        }
        if length == -Int64(EAGAIN) { return true }
        guard length > 0 else { return false }
        client.received += buffer.prefix(Int(length))
        while let end = client.received.firstIndex(of: UInt8(ascii: "\n")) {
            let line = String(decoding: client.received[..<end], as: UTF8.self)
            client.received.removeSubrange(...end)
            // One answer at a time: a client that does not read gets no more.
            guard client.unsent.isEmpty else { return false }
            client.unsent = Array((answer(line) + "\n").utf8)
        }
        return client.received.count < Self.longestLine
    }

    /// Sends what fits. False when the client is gone.
    private func send(_ client: Client) -> Bool {
        guard !client.unsent.isEmpty else { return true }
        // Unsafe: a list and its length.
        let sent = unsafe client.unsent.withUnsafeBufferPointer {
            unsafe cb_socket_send(client.socket.rawValue, $0.baseAddress, $0.count)
        }
        if sent == -Int64(EAGAIN) { return true }
        guard sent >= 0 else { return false }
        client.unsent.removeFirst(Int(sent))
        return true
    }
}
