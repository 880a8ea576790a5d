internal import CBalloonShim

/// Talks to the holder; starts it where none is running.
public final class HolderClient: OutlivingKeeper {
    private let state: StateDirectory
    private var socket: FileDescriptor?
    /// What the holder keeps for us, to be sent again if it is killed.
    private var kept: [String: FileDescriptor] = [:]

    /// Names that begin so are of pages that may be holes and that nobody can take back: they outlive even an empty balloon.
    static let lostPrefix = "lost."

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
        guard let socket, !ask(socket, "drop \(name)", -1) else { return }
        // Gone while it was asked. Without a connection nobody would notice that the rest is kept by nothing.
        self.socket = nil
        if !kept.isEmpty { try? connectAndSendAgain() }
    }

    public func kept(prefix: String) -> [(name: String, descriptor: FileDescriptor)] {
        guard let (names, _) = question("names \(prefix)"), names != "-" else { return [] }
        return names.split(separator: " ").map(String.init).compactMap { name in kept(name).map { (name, $0) } }
    }

    public func kept(_ name: String) -> FileDescriptor? { question("get \(name)")?.1 }

    /// Before this process ends with all balloons empty: nothing needs to be kept, and the holder ends, too.
    public func dropAll() {
        for name in kept.keys where !name.hasPrefix(Self.lostPrefix) { drop(name) }
        if let socket { _ = ask(socket, "end", -1) }
    }

    /// Readable when the holder has ended: then call ``restoreIfLost()``.
    package var descriptor: Int32? { socket?.rawValue }

    /// Starts the holder again if it is gone, and gives it all that it had.
    public func restoreIfLost() throws(BalloonError) {
        guard !kept.isEmpty else {
            if let socket, !isOpen(socket) { self.socket = nil }
            return
        }
        try connectAndSendAgain()
    }

    private func connectAndSendAgain() throws(BalloonError) {
        if let socket, isOpen(socket) { return }
        let wasThere = socket != nil
        socket = connected()
        // A service manager has its holder up again at once, with all that it kept.
        if wasThere && ServiceManager.isPresent { connect(within: 2_000_000_000) }
        if socket == nil {
            try start()
            connect(within: 5_000_000_000)
        }
        guard let socket else {
            throw BalloonError(
                .environment,
                "the holder of the pins does not start; to see why, run: balloonctl hold --state-dir \(state.path)")
        }
        for (name, descriptor) in kept where !ask(socket, "keep \(name)", descriptor.rawValue) {
            self.socket = nil
            throw BalloonError(.system, "the holder of the pins (balloonctl hold) does not take \(name)")
        }
    }

    private func connect(within nanoseconds: UInt64) {
        let end = cb_clock_monotonic() + nanoseconds
        while socket == nil && cb_clock_monotonic() < end {
            cb_sleep(5_000_000)
            socket = connected()
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
        try check(result, .environment, "cannot start the holder of the pins: no more processes can be made; end some")
    }

    /// Asks for a text, and a descriptor that may come with it.
    private func question(_ request: String) -> (String, FileDescriptor?)? {
        // One that is not running keeps nothing.
        if socket == nil { socket = connected() }
        // Unsafe: a C string and its length.
        guard let socket, unsafe cb_socket_send(socket.rawValue, request, request.utf8.count) == request.utf8.count
        else { return nil }
        var descriptor: Int32 = -1
        let capacity = DescriptorHolder.longestAnswer
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            // Unsafe: the shim fills at most the buffer and sets the descriptor.
            let length = unsafe cb_socket_receive_descriptor(
                socket.rawValue, buffer.baseAddress, capacity, &descriptor)
            count = max(0, Int(length))
        }
        return (String(decoding: bytes, as: UTF8.self), descriptor >= 0 ? FileDescriptor(descriptor) : nil)
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
