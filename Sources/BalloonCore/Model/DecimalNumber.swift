/// The number of digits of the largest 64-bit number. A text with more digits is refused.
private let longestNumber = 20

/// A number of decimal digits, as xenstore's sizes are written; nil for anything else.
public func decimalNumber(_ bytes: [UInt8]) -> UInt64? {
    guard !bytes.isEmpty, bytes.count <= longestNumber else { return nil }
    var value: UInt64 = 0
    for byte in bytes {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        let (product, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, carry) = product.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
        if overflow || carry { return nil }
        value = sum
    }
    return value
}

/// A size that xenstore holds, in KiB; nil for a number above 2^42, which no address space has. So sums of such sizes
/// stay far within 64 bits.
package func storedSize(_ bytes: [UInt8]) -> KiB? { decimalNumber(bytes).flatMap { $0 <= 1 << 42 ? KiB($0) : nil } }
