/// Parses what a guest or another program wrote into numbers and known words only.
enum GuestText {
    /// A size small enough that no sum of sizes overflows.
    static func kib(_ bytes: [UInt8]?) -> KiB? { bytes.flatMap(storedSize) }

    static func word<Word: RawRepresentable<String>>(_ bytes: [UInt8]?, as: Word.Type) -> Word? {
        guard let bytes, bytes.count <= TargetText.longest else { return nil }
        return Word(rawValue: String(decoding: bytes, as: UTF8.self))
    }

    static func feature(_ bytes: [UInt8]?) -> HostDomain.Feature {
        guard let bytes else { return .absent }
        return switch String(decoding: bytes.prefix(2), as: UTF8.self) {
        case "": .silent
        case "1": .on
        case "0": .off
        default: .odd
        }
    }

    static func grain(_ bytes: [UInt8]?) -> KiB {
        kib(bytes).flatMap { HostVNode.grains.contains($0) ? $0 : nil } ?? HostVNode.usualGrain
    }

    /// A name that is safe to print: plain ASCII, at most 64 characters.
    static func name(_ bytes: [UInt8]?) -> String {
        guard let bytes, !bytes.isEmpty else { return "?" }
        return String(
            decoding: bytes.prefix(64).map { (0x21...0x7e).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }
}
