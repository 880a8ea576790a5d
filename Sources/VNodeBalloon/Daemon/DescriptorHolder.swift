internal import CBalloonShim
internal import Glibc

/// One idle process that keeps descriptors open over the end of those that use them.
///
/// Requests come over a Unix socket, one a message: `keep NAME` with a descriptor, `drop NAME`, `end`. Each is answered
/// with `ok` or `no`. `names PREFIX` asks for names, separated by spaces; `get NAME` for a descriptor, which comes with
/// the `ok`. It ends when it is told to and keeps nothing.
///
/// As a systemd service it also leaves what it keeps in the service's descriptor store, so that nothing is lost when
/// it is killed, and finds it there when it is started again.
public final class DescriptorHolder {
    /// The longest request, and so the longest name.
    static let longestRequest = 64
    /// The longest list of names.
    static let longestAnswer = 1024
    private let signals: SignalSource
    private let listener: FileDescriptor
    private let lock: FileDescriptor
    private var kept = DescriptorStore()
    private var clients: [FileDescriptor] = []

    /// - Throws: `.busy` when another holder has the socket; `.system`.
    public init(state: StateDirectory) throws(BalloonError) {
        // A stray SIGTERM must not unpin what Xen has. SIGKILL is for those who know, and for the shutdown.
        signals = try SignalSource()
        let path = state.holderSocketPath
        lock = try .open(path + ".lock", .create, "cannot open \(path).lock")
        guard cb_file_lock(lock.rawValue) >= 0 else {
            // The other one does the work: for a service manager that is a start, not a failure.
            ServiceManager.notify("READY=1")
            throw BalloonError(.busy, "a holder is running already on \(path)")
        }
        listener = FileDescriptor(
            try check(
                unsafe cb_socket_listen(path, 16), .environment,
                "cannot listen on \(path); move away what is there, or use another --state-dir"))
        // The kernel must not choose us: our end would unpin memory that is not there. A container may not allow it.
        try? OwnMemory.prepare()
    }

    /// Serves until it is told to end, by a request or a signal, and keeps nothing.
    public func run() throws(BalloonError) {
        ServiceManager.notify("READY=1")
        // A deflate asks us to keep a pin. Nothing of a hugetlbfs file is ever mapped here.
        try? OwnMemory.lock()
        try Privileges.limit(to: .nothing)
        while true {
            // More clients than poll takes at once wait in the backlog.
            let watched = [signals.descriptor, listener] + clients.prefix(Int(CB_POLL_MAX) - 2)
            for index in try Poll.wait(watched.map(\.rawValue), timeoutMilliseconds: -1) {
                var isDone = false
                switch index {
                case 0: isDone = signals.next() == .stop && (kept.isEmpty || isMachineEnding)
                case 1: accept()
                default: isDone = serve(watched[index])
                }
                if isDone { return }
            }
        }
    }

    /// systemd's last phase of a shutdown, in which process 1 is another program: nothing runs any more that could use
    /// a page, and it would wait for us.
    private var isMachineEnding: Bool {
        (try? readFile("/proc/1/comm", limit: 64)).map { $0.starts(with: Array("systemd-shutdow".utf8)) } ?? false
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
        if words.count == 2, answer(client, words[0], String(words[1])) { return false }
        let (isDone, isAccepted) = execute(words.first ?? "", words.dropFirst().first.map(String.init), attached)
        let answer = isAccepted ? "ok" : "no"
        // Unsafe: a C string and its length.
        _ = unsafe cb_socket_send(client.rawValue, answer, answer.utf8.count)
        return isDone
    }

    /// Answers a question.
    /// - Returns: whether it was one.
    private func answer(_ client: FileDescriptor, _ verb: Substring, _ name: String) -> Bool {
        var text = "no"
        var descriptor: Int32 = -1
        switch verb {
        case "names":
            text = kept.names(prefix: name).joined(separator: " ")
            // What does not fit is of no use to a client that asks for all.
            if text.isEmpty || text.utf8.count > Self.longestAnswer { text = "-" }
        case "get":
            if let found = kept.descriptor(name) { (text, descriptor) = ("ok", found.rawValue) }
        default: return false
        }
        // Unsafe: a C string and its length.
        _ = unsafe cb_socket_send_descriptor(client.rawValue, text, text.utf8.count, descriptor)
        return true
    }

    private func execute(
        _ verb: Substring, _ name: String?, _ descriptor: FileDescriptor?
    ) -> (isDone: Bool, isAccepted: Bool) {
        switch (verb, name, descriptor) {
        case ("keep", let name?, let descriptor?):
            return (false, kept.keep(name, descriptor))
        case ("drop", let name?, _):
            kept.drop(name)
            return (false, true)
        case ("end", _, _):
            return (kept.isEmpty, kept.isEmpty)
        default: return (false, false)
        }
    }
}
