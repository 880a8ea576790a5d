internal import CBalloonShim
internal import Glibc

/// One idle process that keeps descriptors open over the end of those that use them.
///
/// Requests come over a Unix socket, one a message: `keep NAME` with a descriptor, `drop NAME`, `end`. Each is answered
/// with `ok` or `no`. It ends when it is told to and keeps nothing.
public final class DescriptorHolder {
    /// The longest request, and so the longest name.
    static let longestRequest = 64
    /// 64 slots a pin: 4096 pins hold 512 GiB.
    static let mostNames = 4096 + 64

    private let signals: SignalSource
    private let listener: FileDescriptor
    private var kept: [String: FileDescriptor] = [:]
    private var clients: [FileDescriptor] = []

    /// - Throws: `.busy` when another holder has the socket; `.system`.
    public init(state: StateDirectory) throws(BalloonError) {
        // A stray SIGTERM must not unpin what Xen has. SIGKILL is for those who know, and for the shutdown.
        signals = try SignalSource()
        let path = state.holderSocketPath
        // Unsafe: C strings for the calls.
        let other = unsafe cb_socket_connect(path)
        if other >= 0 {
            _ = cb_file_close(other)
            // The other one does the work: for a service manager that is a start, not a failure.
            ServiceManager.notify("READY=1")
            throw BalloonError(.busy, "a holder is running already on \(path)")
        }
        listener = FileDescriptor(try check(unsafe cb_socket_listen(path, 16), "cannot listen on \(path)"))
        // The kernel must not choose us: our end would unpin memory that is not there. A container may not allow it.
        try? OwnMemory.prepare()
    }

    /// Serves until it is told to end, by a request or a signal, and keeps nothing.
    public func run() throws(BalloonError) {
        // Unsafe: a C string for the call. Without a service manager it does nothing.
        _ = unsafe cb_notify("READY=1", -1)
        // A deflate asks us to keep a pin. Nothing of a hugetlbfs file is ever mapped here.
        try? OwnMemory.lock()
        while true {
            // More clients than poll takes at once wait in the backlog.
            let watched = [signals.descriptor, listener] + clients.prefix(Int(CB_POLL_MAX) - 2)
            for index in try Poll.wait(watched.map(\.rawValue), timeoutMilliseconds: -1) {
                var isDone = false
                switch index {
                case 0: isDone = signals.next() == .stop && kept.isEmpty
                case 1: accept()
                default: isDone = serve(watched[index])
                }
                if isDone { return }
            }
        }
    }

    private func accept() {
        let client = cb_socket_accept(listener.rawValue)
        guard client >= 0 else { return }
        var user: UInt32 = .max
        var process: Int32 = 0
        let socket = FileDescriptor(client)
        // Unsafe: the shim sets both numbers.
        guard unsafe cb_socket_peer(client, &user, &process) >= 0, user == 0 else { return }
        clients.append(socket)
    }

    private func serve(_ client: FileDescriptor) -> Bool {
        var descriptor: Int32 = -1
        var length: Int64 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.longestRequest) { buffer, count in
            // Unsafe: the shim fills at most the buffer and sets the descriptor.
            unsafe length = cb_socket_receive_descriptor(
                client.rawValue, buffer.baseAddress, Self.longestRequest, &descriptor)
            count = max(0, Int(length))
        }
        let attached = descriptor >= 0 ? FileDescriptor(descriptor) : nil
        if length == -Int64(EAGAIN) { return false }
        guard length > 0 else {
            clients.removeAll { $0 === client }
            return false
        }
        let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        let (isDone, isAccepted) = execute(words.first ?? "", words.dropFirst().first.map(String.init), attached)
        let answer = isAccepted ? "ok" : "no"
        // Unsafe: a C string and its length.
        _ = unsafe cb_socket_send(client.rawValue, answer, answer.utf8.count)
        return isDone
    }

    private func execute(
        _ verb: Substring, _ name: String?, _ descriptor: FileDescriptor?
    ) -> (isDone: Bool, isAccepted: Bool) {
        switch (verb, name, descriptor) {
        case ("keep", let name?, let descriptor?):
            guard kept.count < Self.mostNames || kept[name] != nil else { return (false, false) }
            kept[name] = descriptor
            return (false, true)
        case ("drop", let name?, _):
            kept[name] = nil
            return (false, true)
        case ("end", _, _):
            return (kept.isEmpty, kept.isEmpty)
        default: return (false, false)
        }
    }
}

/// Talks to the holder; starts it where none is running.
public final class HolderClient: DescriptorKeeper {
    private let state: StateDirectory
    private var socket: FileDescriptor?
    /// What the holder keeps for us, to be sent again if it is killed.
    private var kept: [String: FileDescriptor] = [:]

    /// Nothing is started before something is kept.
    public init(state: StateDirectory) { self.state = state }

    public func keep(_ name: String, _ descriptor: FileDescriptor) throws(BalloonError) {
        try connectAndSendAgain()
        guard let socket, ask(socket, "keep \(name)", descriptor.rawValue) else {
            socket = nil
            throw BalloonError(.system, "the holder of the pins (balloonctl hold) does not take \(name)")
        }
        kept[name] = descriptor
    }

    public func drop(_ name: String) {
        kept[name] = nil
        // A new holder has nothing yet: it must get the rest before it counts as one of ours.
        if kept.isEmpty && socket == nil { socket = connected() } else { try? connectAndSendAgain() }
        if let socket, !ask(socket, "drop \(name)", -1) { self.socket = nil }
    }

    /// Before this process ends with all balloons empty: nothing needs to be kept, and the holder ends, too.
    public func dropAll() {
        for name in kept.keys { drop(name) }
        if let socket { _ = ask(socket, "end", -1) }
    }

    /// Starts the holder again if it is gone, and gives it all that it had.
    public func restoreIfLost() throws(BalloonError) {
        guard !kept.isEmpty else { return }
        try connectAndSendAgain()
    }

    private func connectAndSendAgain() throws(BalloonError) {
        if let socket, isOpen(socket) { return }
        socket = connected()
        if socket == nil {
            try start()
            let end = cb_clock_monotonic() + 5_000_000_000
            while socket == nil && cb_clock_monotonic() < end {
                cb_sleep(5_000_000)
                socket = connected()
            }
        }
        guard let socket else {
            throw BalloonError(.system, "the holder of the pins (balloonctl hold) does not start")
        }
        for (name, descriptor) in kept where !ask(socket, "keep \(name)", descriptor.rawValue) {
            self.socket = nil
            throw BalloonError(.system, "the holder of the pins (balloonctl hold) does not take \(name)")
        }
    }

    /// A holder that was killed leaves a socket that has ended.
    private func isOpen(_ socket: FileDescriptor) -> Bool { cb_socket_is_open(socket.rawValue) == 1 }

    private func connected() -> FileDescriptor? {
        // Unsafe: a C string for the call.
        let connected = unsafe cb_socket_connect(state.holderSocketPath)
        guard connected >= 0 else { return nil }
        _ = cb_socket_timeout(connected, 5000)
        return FileDescriptor(connected)
    }

    private func start() throws(BalloonError) {
        // Unsafe: C strings for the call.
        let result = unsafe cb_spawn_self("hold", "--state-dir", state.path)
        try check(result, "cannot start the holder of the pins")
    }

    private func ask(_ socket: FileDescriptor, _ request: String, _ descriptor: Int32) -> Bool {
        // Unsafe: a C string and its length.
        let sent = unsafe cb_socket_send_descriptor(socket.rawValue, request, request.utf8.count, descriptor)
        guard sent == request.utf8.count else { return false }
        var answer = [UInt8](repeating: 0, count: 2)
        // Unsafe: the shim fills at most two bytes.
        let received = unsafe answer.withUnsafeMutableBufferPointer {
            unsafe cb_socket_receive(socket.rawValue, $0.baseAddress, 2)
        }
        return received == 2 && answer == Array("ok".utf8)
    }
}
