internal import CBalloonShim
internal import Glibc

/// How a client comes by a holder. A simulation has its own.
package protocol HolderAccess {
    /// nil: no holder runs, so nothing is kept.
    ///
    /// - Parameter isBrief: the holder did not answer the last time. A daemon must not be deaf for long because of it again.
    /// - Throws: `.busy`, `.descriptors`: it is not known whether there is a holder.
    func connect(isBrief: Bool) throws(BalloonError) -> (any HolderConnection)?
    /// Starts a holder and waits for it.
    ///
    /// - Parameter isBrief: it did not start the last time.
    /// - Throws: `.environment`, `.descriptors`.
    func start(isBrief: Bool) throws(BalloonError) -> any HolderConnection
    /// Of a clock that does not go back.
    var now: Moment { get }
    /// How many pages a pin holds; 0 for what is no pin.
    func pages(in descriptor: FileDescriptor) -> Int
}

/// A connection to a holder: one request, one answer.
package protocol HolderConnection: AnyObject {
    /// Readable when the holder has ended.
    var descriptor: Int32? { get }
    /// The other end is there, and has said nothing that it was not asked.
    var isOpen: Bool { get }
    /// False: it is not known how much of it went.
    func send(_ text: String, _ descriptor: FileDescriptor?) -> Bool
    /// Waits for an answer.
    /// - Returns: nil: none came in time, or the other end has closed.
    func receive() -> (text: String, AttachedDescriptor)?
}

extension StateDirectory {
    /// Whether a holder runs below a state directory, without asking it anything. nil: not known.
    public static func hasHolder(_ path: String) -> Bool? {
        // Unsafe: a C string for the call.
        let connected = unsafe cb_socket_connect(holderSocketPath(path), 1000)
        if connected == -ENOENT || connected == -ECONNREFUSED { return false }
        guard connected >= 0 else { return nil }
        // Closed again at once.
        _ = FileDescriptor(connected)
        return true
    }
}

/// The holder below a state directory.
struct HolderSocket: HolderAccess {
    let state: StateDirectory
    /// The time within which a holder answers. It never waits for anything, so one that does not answer was stopped
    /// (SIGSTOP).
    private static let patienceMilliseconds: UInt32 = 2000
    private static let briefMilliseconds: UInt32 = 200

    var now: Moment { .now }

    func pages(in descriptor: FileDescriptor) -> Int { max(0, Int(cb_pin_count(descriptor.rawValue))) }

    func connect(isBrief: Bool) throws(BalloonError) -> (any HolderConnection)? {
        let patience = isBrief ? Self.briefMilliseconds : Self.patienceMilliseconds
        if let connection = try connectOnce(patience) { return connection }
        // A holder that ends because it was told to removes its mark. Where the mark is still there the service manager
        // has what the holder kept, and starts it again at once.
        let end = now + .milliseconds(UInt64(patience))
        while state.hasManagedHolder {
            guard now < end else {
                throw BalloonError(
                    .busy,
                    "the holder of the pins has ended and is not up again, so it is not known what is kept; run:"
                        + " systemctl start vnode-balloon-hold.service")
            }
            sleep(for: .milliseconds(5))
            if let connection = try connectOnce(patience) { return connection }
        }
        return nil
    }

    private func connectOnce(_ patience: UInt32) throws(BalloonError) -> SocketConnection? {
        // Unsafe: a C string for the call.
        let connected = unsafe cb_socket_connect(state.holderSocketPath, patience)
        if connected == -ENOENT || connected == -ECONNREFUSED { return nil }
        let what = "cannot reach the holder of the pins (balloonctl hold) on \(state.holderSocketPath)"
        let socket = FileDescriptor(try check(connected, .busy, what))
        _ = cb_socket_timeout(socket.rawValue, patience)
        return SocketConnection(socket)
    }

    func start(isBrief: Bool) throws(BalloonError) -> any HolderConnection {
        // Unsafe: C strings for the call.
        let result = unsafe cb_spawn_self("hold", "--state-dir", state.path)
        try check(result, .busy, "cannot start the holder of the pins: no more processes can be made; end some")
        let end = now + (isBrief ? .milliseconds(UInt64(Self.briefMilliseconds)) : .seconds(5))
        repeat {
            if let connection = try connectOnce(Self.patienceMilliseconds) { return connection }
            sleep(for: .milliseconds(5))
        } while now < end
        throw BalloonError(
            .environment,
            "the holder of the pins does not start; to see why, run: balloonctl hold --state-dir \(state.path)")
    }
}

private final class SocketConnection: HolderConnection {
    private let socket: FileDescriptor

    init(_ socket: FileDescriptor) { self.socket = socket }

    var descriptor: Int32? { socket.rawValue }
    /// A holder that was killed leaves a socket that has ended.
    var isOpen: Bool { cb_socket_is_open(socket.rawValue) == 1 }

    func send(_ text: String, _ descriptor: FileDescriptor?) -> Bool { SocketMessage.send(socket, text, descriptor) }

    func receive() -> (text: String, AttachedDescriptor)? {
        (try? SocketMessage.receive(socket, HolderMessage.longestAnswer)) ?? nil
    }
}
