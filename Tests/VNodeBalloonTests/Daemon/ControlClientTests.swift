import CBalloonShim
import Glibc
import Testing

@testable import VNodeBalloon

@Suite struct ControlClientTests {
    let work: TemporaryDirectory

    init() throws { work = try TemporaryDirectory() }

    @Test func `a client finds no daemon where there is no control socket`() throws {
        #expect(try ControlClient(state: work.path) == nil)
    }

    /// The daemon is stopped, and the queue of clients that wait for it is full. That does not mean
    /// that there is no daemon.
    @Test func `a daemon that accepts no connections is busy, not absent`() throws {
        let path = work.path + "/control.sock"
        defer { work.remove("control.sock") }
        // Unsafe: C strings for the calls.
        let listener = FileDescriptor(try check(unsafe cb_socket_listen(path, 1), "listens"))
        defer { withExtendedLifetime(listener) {} }
        var waiting: [FileDescriptor] = []
        while waiting.count < 64 {
            let next = unsafe cb_socket_connect(path, 50)
            guard next >= 0 else { break }
            waiting.append(FileDescriptor(next))
        }
        #expect(waiting.count < 64)
        let error = #expect(throws: BalloonError.self) { try ControlClient(state: work.path) }
        #expect(error?.code == .busy)
    }
}
