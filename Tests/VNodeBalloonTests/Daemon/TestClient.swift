import CBalloonShim
import Glibc
import Testing

@testable import VNodeBalloon

/// A client of a Unix socket that never blocks. It may behave well or badly.
final class TestClient {
    let descriptor: Int32
    private var isOpen = true

    init(_ path: String) throws {
        // Unsafe: C reads a path that Swift lends it for the call.
        descriptor = unsafe cb_socket_connect(path, 5000)
        try #require(descriptor >= 0, "connects")
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    deinit { end() }

    func end() {
        if isOpen { close(descriptor) }
        isOpen = false
    }

    /// Closes only the sending end.
    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Sends what the socket takes at once. Returns how many bytes that was.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Int {
        // Unsafe: a list and its length.
        unsafe bytes.withUnsafeBufferPointer {
            max(0, unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)))
        }
    }

    @discardableResult
    func send(_ text: String) -> Int { send(Array(text.utf8)) }

    /// All bytes that have arrived; nil: none, and the other end has closed.
    func receive() -> String? {
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            // Unsafe: a list and its length.
            let length = unsafe buffer.withUnsafeMutableBufferPointer {
                unsafe recv(descriptor, $0.baseAddress, $0.count, 0)
            }
            if length > 0 { received += buffer.prefix(length) }
            if length <= 0 && !received.isEmpty { return String(decoding: received, as: UTF8.self) }
            if length < 0 && errno == EAGAIN { return "" }
            if length <= 0 { return nil }
        }
    }
}
