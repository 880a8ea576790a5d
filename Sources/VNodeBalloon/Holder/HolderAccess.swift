internal import CBalloonShim
internal import Glibc

/// How a client comes by a holder. A simulation has its own.
package protocol HolderAccess {
    /// nil: nobody is there who could keep anything.
    /// - Throws: `.busy`, `.descriptors`: it is not known whether there is a holder.
    func connect() throws(BalloonError) -> (any HolderConnection)?
    /// Starts a holder and waits for it.
    /// - Throws: `.environment`, `.descriptors`.
    func start() throws(BalloonError) -> any HolderConnection
    /// Nanoseconds of a clock that does not go back.
    var now: UInt64 { get }
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

/// The holder below a state directory.
struct HolderSocket: HolderAccess {
    let state: StateDirectory
    /// What a holder has to answer within. It waits for nobody, so it is stopped when it does not.
    private static let patienceMilliseconds: UInt32 = 2000

    var now: UInt64 { cb_clock_monotonic() }

    func pages(in descriptor: FileDescriptor) -> Int { max(0, Int(cb_pin_count(descriptor.rawValue))) }

    func connect() throws(BalloonError) -> (any HolderConnection)? {
        // A service manager has its holder up again at once, with all that it kept.
        let end = now + (Self.isManaged ? 2_000_000_000 : 0)
        while true {
            if let connection = try connectOnce() { return connection }
            guard isLeftOver, now < end else { return nil }
            cb_sleep(5_000_000)
        }
    }

    /// A holder was there. One that ends because it is told to takes its socket's name along.
    private var isLeftOver: Bool { (try? FileInfo(path: state.holderSocketPath, "")) != nil }

    /// systemd runs this machine, so it may run the holder.
    private static let isManaged = (try? FileInfo(path: "/run/systemd/system", "")) != nil

    private func connectOnce() throws(BalloonError) -> SocketConnection? {
        // Unsafe: a C string for the call.
        let connected = unsafe cb_socket_connect(state.holderSocketPath)
        if connected == -ENOENT || connected == -ECONNREFUSED { return nil }
        let what = "cannot reach the holder of the pins (balloonctl hold) on \(state.holderSocketPath)"
        let socket = FileDescriptor(try check(connected, .busy, what))
        _ = cb_socket_timeout(socket.rawValue, Self.patienceMilliseconds)
        return SocketConnection(socket)
    }

    func start() throws(BalloonError) -> any HolderConnection {
        // Unsafe: C strings for the call.
        let result = unsafe cb_spawn_self("hold", "--state-dir", state.path)
        try check(result, .environment, "cannot start the holder of the pins: no more processes can be made; end some")
        let end = now + 5_000_000_000
        repeat {
            if let connection = try connectOnce() { return connection }
            cb_sleep(5_000_000)
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
