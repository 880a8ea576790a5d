internal import CBalloonShim
internal import Glibc

/// An idle process that keeps descriptors open beyond the end of the processes that use them. ``HolderMessage`` is its
/// protocol. It ends when it is told to and keeps nothing.
///
/// As a systemd service it also leaves what it keeps in the service's descriptor store. Nothing is then lost when it is
/// killed: it finds everything there when it is started again. It waits neither for a client nor for the service
/// manager.
public final class DescriptorHolder {
    private let signals: SignalSource
    private let listener: FileDescriptor
    private let lock: FileDescriptor
    private let path: String
    private let state: StateDirectory
    private var service: HolderService
    private var clients: [FileDescriptor] = []
    /// No more files could be opened: no new client is accepted before this time, or before a client
    /// goes.
    private var isFullUntil: Moment?
    private static let fullPause: Interval = .seconds(1)
    private static let tellPause: Int32 = 100

    /// - Throws: `.busy` when another holder has the socket; `.system`.
    public init(state: StateDirectory) throws(BalloonError) {
        // A stray SIGTERM must not unpin what Xen has. SIGKILL is for those who know, and for the shutdown.
        signals = try SignalSource()
        // One for each 64 pages, and more while a new daemon takes over.
        _ = cb_descriptors_raise()
        path = state.holderSocketPath
        self.state = state
        lock = try .open(path + ".lock", .create, "cannot open \(path).lock")
        guard cb_file_lock(lock.rawValue) >= 0 else {
            // Another holder serves already: for a service manager that is a start, not a failure.
            ServiceManager.notify("READY=1", mayWait: true)
            throw BalloonError(.busy, "a holder is running already on \(path)")
        }
        let store = DescriptorStore(stored: ServiceManager.storedDescriptors()) { text, descriptor in
            ServiceManager.notify(text, descriptor)
        }
        // Before anything can be kept. A client that finds no holder but this mark does not conclude that nothing is
        // kept.
        // A holder that is no service is started again by no one, so it leaves no mark.
        if ServiceManager.isPresent { try state.noteManagedHolder() } else { state.forgetManagedHolder() }
        let nowhere = try FileDescriptor.open("/dev/null", .write, "cannot open /dev/null")
        service = HolderService(store, token: Moment.now.nanoseconds) { pin in
            _ = cb_pin_clear(pin.rawValue, nowhere.rawValue)
        }
        listener = FileDescriptor(
            try check(
                unsafe cb_socket_listen(path, 16), .environment,
                "cannot listen on \(path); move away what is there, or use another --state-dir"))
        // The OOM killer must not choose this process: its end would unpin memory that is not there. A container may
        // not allow it.
        try? OwnMemory.prepare()
    }

    /// Serves until a request or a signal tells it to end while it keeps nothing.
    /// - Parameter isNeeded: false: no daemon will have it keep anything, so it ends at once unless it keeps something
    ///   already.
    public func run(isNeeded: Bool) throws(BalloonError) {
        if isNeeded || !service.store.isEmpty {
            try serve()
        } else {
            ServiceManager.notify("READY=1", mayWait: true)
        }
        state.forgetManagedHolder()
        // The next client sees that there is no holder, and need not wait for one to come back. The lock is still ours.
        // Unsafe: a C string for the call.
        _ = unsafe cb_file_remove(path)
    }

    private func serve() throws(BalloonError) {
        var isReadyTold = ServiceManager.notify("READY=1")
        // A deflate asks us to keep a pin. Nothing of a hugetlbfs file is ever mapped here.
        try? OwnMemory.lock()
        try Privileges.limit(to: .nothing)
        while true {
            let mustTell = !isReadyTold || service.store.hasMoreToTell
            for descriptor in try waitForSomebody(mustTell: mustTell) {
                if descriptor === signals.descriptor {
                    if signals.next() == .stop && (service.store.isEmpty || isMachineEnding) { return }
                } else if descriptor === listener {
                    accept()
                } else if serve(descriptor) {
                    return
                }
            }
            if !isReadyTold { isReadyTold = ServiceManager.notify("READY=1") }
            service.tellMore()
        }
    }

    private func waitForSomebody(mustTell: Bool) throws(BalloonError) -> [FileDescriptor] {
        var timeout: Int32 = mustTell ? Self.tellPause : -1
        if let end = isFullUntil {
            let now = Moment.now
            if now >= end { isFullUntil = nil } else if !mustTell { timeout = Int32((end - now).wholeMilliseconds) + 1 }
        }
        // More clients than poll takes at once wait in the backlog.
        var watched = [signals.descriptor] + clients.prefix(Int(CB_POLL_MAX) - 2)
        if isFullUntil == nil { watched.append(listener) }
        return try Poll.wait(watched.map(\.rawValue), timeoutMilliseconds: timeout).map { watched[$0] }
    }

    /// systemd's last phase of a shutdown, in which process 1 is another program: nothing runs any more that could use
    /// a page, and it would wait for us.
    private var isMachineEnding: Bool {
        (try? readFile("/proc/1/comm", limit: 64)).map { $0.starts(with: Array("systemd-shutdow".utf8)) } ?? false
    }

    private func accept() {
        let client = cb_socket_accept(listener.rawValue)
        // A client waits all the same. Polling again at once would make this loop spin.
        if client == -EMFILE || client == -ENFILE || client == -ENOMEM || client == -ENOBUFS {
            isFullUntil = Moment.now + Self.fullPause
        }
        guard client >= 0 else { return }
        var user: UInt32 = .max
        var process: Int32 = 0
        let socket = FileDescriptor(client)
        // Unsafe: the shim sets both numbers.
        guard unsafe cb_socket_peer(client, &user, &process) >= 0, user == cb_effective_user() else { return }
        clients.append(socket)
    }

    private func letGo(_ client: FileDescriptor) {
        clients.removeAll { $0 === client }
        isFullUntil = nil
    }

    /// - Returns: whether the holder is to end.
    private func serve(_ client: FileDescriptor) -> Bool {
        do throws(BalloonError) {
            guard let (text, attached) = try SocketMessage.receive(client, HolderMessage.longestRequest) else {
                return false
            }
            guard let reply = service.reply(to: text, attached) else {
                letGo(client)
                return false
            }
            // A client that does not read its answers has no room for this one.
            if !SocketMessage.send(client, reply.text, reply.descriptor) { letGo(client) }
            return reply.isEnd
        } catch {
            letGo(client)
            return false
        }
    }
}

/// A text with at most one descriptor, over a Unix socket.
enum SocketMessage {
    /// False: not all of it went.
    static func send(_ socket: FileDescriptor, _ text: String, _ descriptor: FileDescriptor?) -> Bool {
        // Unsafe: a C string and its length.
        unsafe cb_socket_send_descriptor(socket.rawValue, text, text.utf8.count, descriptor?.rawValue ?? -1)
            == text.utf8.count
    }

    /// nil: nothing came.
    /// - Throws: `.protocolViolation`: the other end has closed. `.busy`: nothing came in time.
    static func receive(
        _ socket: FileDescriptor, _ longest: Int
    ) throws(BalloonError) -> (text: String, AttachedDescriptor)? {
        var descriptor: Int32 = -1
        var length: Int64 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: longest) { buffer, count in
            // Unsafe: the shim fills at most the buffer and sets the descriptor.
            length = unsafe cb_socket_receive_descriptor(socket.rawValue, buffer.baseAddress, longest, &descriptor)
            count = max(0, Int(length))
        }
        let attached: AttachedDescriptor =
            descriptor >= 0 ? .this(FileDescriptor(descriptor)) : descriptor == -EMFILE ? .noRoom : .none
        if length == -Int64(EAGAIN) || length == -Int64(EINTR) { return nil }
        guard length > 0 else { throw BalloonError(.protocolViolation, "the other end of the socket has closed") }
        return (String(decoding: bytes, as: UTF8.self), attached)
    }
}
