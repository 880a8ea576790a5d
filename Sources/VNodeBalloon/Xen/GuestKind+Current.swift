internal import Glibc

extension GuestKind {
    /// - Throws: `.noXen` when this is not a Xen guest; `.descriptors` when no file can be opened to find out.
    public static func current() throws(BalloonError) -> GuestKind {
        guard let hypervisor = try fileIfThere("/sys/hypervisor/type", limit: 64), trimmed(hypervisor) == "xen" else {
            throw BalloonError(.noXen, "no Xen here: this machine is not a Xen guest; run this inside one")
        }
        guard try !isDom0() else {
            throw BalloonError(
                .unsupportedGuest, "this is dom0, whose memory has no balloon of ours; run this inside a guest")
        }
        guard let text = try fileIfThere("/sys/hypervisor/guest_type", limit: 64) else {
            throw BalloonError(.noXen, "/sys/hypervisor/guest_type is missing: the kernel is older than 4.13")
        }
        guard let kind = GuestKind(rawValue: trimmed(text)) else {
            throw BalloonError(.unsupportedGuest, "Xen guests of this kind are not known: \(trimmed(text))")
        }
        return kind
    }

    /// nil where the kernel has no such file. A failure because this process has too many open files is thrown instead:
    /// it says nothing about the machine.
    private static func fileIfThere(_ path: String, limit: Int) throws(BalloonError) -> [UInt8]? {
        do throws(BalloonError) { return try readFile(path, limit: limit) } catch {
            if error.code == .descriptors { throw error }
            return nil
        }
    }

    /// Whether Xen's feature 11 (XENFEAT_dom0) is set. The kernel shows the feature words in hexadecimal, the lowest
    /// one last.
    private static func isDom0() throws(BalloonError) -> Bool {
        guard let text = try fileIfThere("/sys/hypervisor/properties/features", limit: 256),
            let bits = UInt32(trimmed(text).suffix(8), radix: 16)
        else { return false }
        return bits & 1 << 11 != 0
    }

    /// Whether this machine is a Xen guest; nil: not known, because sysfs is not mounted.
    public static var isXenGuest: Bool? {
        if let text = try? readFile("/sys/hypervisor/type", limit: 64) {
            return trimmed(text) == "xen" ? (try? isDom0()).map { !$0 } : false
        }
        return (try? readFile("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", limit: 64)) == nil ? nil : false
    }

    private static func trimmed(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}
