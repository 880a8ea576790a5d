/// A message in the form that systemd's journal takes (https://systemd.io/JOURNAL_NATIVE_PROTOCOL).
public struct JournalMessage: Sendable {
    public private(set) var bytes: [UInt8] = []

    /// - Parameters:
    ///   - priority: syslog's number.
    ///   - fields: by any name: the journal's own form is made of it.
    public init(_ text: String, priority: Int, identifier: String, fields: [(name: String, value: String)] = []) {
        add("MESSAGE", text)
        add("PRIORITY", "\(priority)")
        add("SYSLOG_IDENTIFIER", identifier)
        // What the journal notes of a service's standard error.
        add("SYSLOG_FACILITY", "3")
        for field in fields {
            // Other names would take the place of what the journal itself notes, or of the message.
            let name = Self.name(field.name)
            if !name.isEmpty && !["MESSAGE", "PRIORITY"].contains(name) && !name.hasPrefix("SYSLOG_") {
                add(name, field.value)
            }
        }
    }

    /// The service that a process belongs to, by its /proc/self/cgroup; nil: none.
    public static func service(cgroup: [UInt8]) -> String? {
        for line in cgroup.split(separator: UInt8(ascii: "\n")) where line.starts(with: "0::".utf8) {
            let names = line.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
            return names.last { $0.hasSuffix(".service") }
        }
        return nil
    }

    /// Capitals, digits and underscores, with a capital first; 64 characters at most.
    static func name(_ text: String) -> String {
        let known = text.uppercased().utf8.map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
            default: UInt8(ascii: "_")
            }
        }
        let name = known.drop { $0 < UInt8(ascii: "A") || $0 > UInt8(ascii: "Z") }.prefix(64)
        return String(decoding: name, as: UTF8.self)
    }

    /// A value with a line break goes with its length in front, or its next line would be another field.
    private mutating func add(_ name: String, _ value: String) {
        bytes += name.utf8
        let value = Array(value.utf8)
        if value.contains(UInt8(ascii: "\n")) {
            bytes.append(UInt8(ascii: "\n"))
            let count = UInt64(value.count)
            bytes += stride(from: UInt64(0), to: 64, by: 8).map { UInt8(truncatingIfNeeded: count >> $0) }
        } else {
            bytes.append(UInt8(ascii: "="))
        }
        bytes += value
        bytes.append(UInt8(ascii: "\n"))
    }
}
