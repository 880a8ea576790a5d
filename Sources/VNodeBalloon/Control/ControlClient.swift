internal import CBalloonShim
internal import Glibc

/// The other end of the control socket.
public final class ControlClient {
    private let socket: FileDescriptor
    private var received: [UInt8] = []

    /// nil when no daemon is listening.
    /// - Throws: `.descriptors`: it cannot be found out whether one listens. `.busy`: it takes no more connections.
    public init?(state: String) throws(BalloonError) {
        // Unsafe: a C string for the call.
        let connected = unsafe cb_socket_connect(state + "/control.sock", 5000)
        guard connected >= 0 else {
            let error = BalloonError(.system, "cannot ask whether a daemon runs", errno: -connected)
            if error.code == .descriptors { throw error }
            // The queue is full: the daemon has not accepted connections for a long time.
            guard connected != -EAGAIN && connected != -ETIMEDOUT else {
                throw BalloonError(.busy, "the daemon accepts no connection; see whether it was stopped (SIGSTOP)")
            }
            return nil
        }
        socket = FileDescriptor(connected)
    }

    /// The daemon's process; nil where the kernel does not say.
    var process: Int32? {
        var (user, process): (UInt32, Int32) = (0, 0)
        // Unsafe: the shim sets both numbers.
        guard unsafe cb_socket_peer(socket.rawValue, &user, &process) >= 0, process > 0 else { return nil }
        return process
    }

    /// Sends a request and waits for its answer, for as long as such a request may take.
    /// - Throws: `.busy` when the daemon does not answer.
    public func ask(_ request: ControlRequest) throws(BalloonError) -> String {
        _ = cb_socket_timeout(socket.rawValue, request.patience)
        let line = request.line + "\n"
        // Unsafe: a C string and its length.
        let sent = unsafe cb_socket_send(socket.rawValue, line, line.utf8.count)
        guard sent == line.utf8.count else { throw silent(request) }
        while true {
            if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                let answer = String(decoding: received[..<end], as: UTF8.self)
                received.removeSubrange(...end)
                return answer
            }
            var buffer = [UInt8](repeating: 0, count: 4096)
            // Unsafe: the shim fills at most the buffer.
            let length = unsafe buffer.withUnsafeMutableBufferPointer {
                unsafe cb_socket_receive(socket.rawValue, $0.baseAddress, $0.count)
            }
            guard length > 0 else { throw silent(request) }
            received += buffer.prefix(Int(length))
        }
    }

    private func silent(_ request: ControlRequest) -> BalloonError {
        BalloonError(.busy, "the daemon does not answer within \(request.patience / 1000) s")
    }
}
