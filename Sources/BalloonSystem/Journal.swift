package import BalloonCore
internal import CBalloonShim

/// systemd's journal, which takes messages with fields.
package enum Journal {
    package static let path = "/run/systemd/journal/socket"
    /// The service of this process. The journal looks it up only when it reads a message, and a process that says why it
    /// fails may have ended by then: `journalctl -u` finds the message by this field all the same.
    package static let service: (name: String, value: String)? = {
        guard let bytes = try? readFile("/proc/self/cgroup") else { return nil }
        return JournalMessage.service(cgroup: bytes).map { ("OBJECT_SYSTEMD_UNIT", $0) }
    }()

    /// Sends the message without waiting.
    /// - Returns: false where the journal does not take it: there is none, its queue is full, or it is too long.
    package static func send(_ message: JournalMessage, to path: String = path) -> Bool {
        // Unsafe: a C string, and bytes with their count, for the call.
        unsafe cb_send_datagram(path, message.bytes, message.bytes.count) == message.bytes.count
    }
}
