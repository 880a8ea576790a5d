/// What a toolstack wrote, before it is believed.
public enum TargetText {
    /// Longest target text that is acknowledged as it is: that many digits hold any 64-bit number.
    public static let longest = 20

    /// A number of decimal digits only: no sign, no space, no overflow.
    public static func number(_ untrusted: [UInt8]) -> UInt64? {
        guard !untrusted.isEmpty else { return nil }
        var value: UInt64 = 0
        for byte in untrusted {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            let (product, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, tooLargeByDigit) = product.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            if tooLarge || tooLargeByDigit { return nil }
            value = sum
        }
        return value
    }

    /// What a target asks for.
    ///
    /// - Parameters:
    ///   - target: memory/vnode<n>/target-balloon-size, nil where it is missing.
    ///   - size: memory/vnode<n>/size, nil where it is missing. A text that is no number does not limit.
    ///   - vnodeKiB: memory of the vnode as Xen tells it.
    public static func request(target: [UInt8]?, size: [UInt8]?, vnodeKiB: UInt64) -> TargetRequest {
        guard let target else { return .absent }
        let limit = min(vnodeKiB, size.flatMap(number) ?? .max)
        guard let kib = number(target), kib <= limit else { return .invalid }
        return .size(kib)
    }

    /// What is written back for a target: its own text, or `invalid` where that may not be repeated.
    public static func acknowledgement(of target: [UInt8]) -> String {
        let isPrintable = target.allSatisfy { (0x20...0x7E).contains($0) }
        guard !target.isEmpty, target.count <= longest, isPrintable else { return "invalid" }
        return String(decoding: target, as: UTF8.self)
    }
}
