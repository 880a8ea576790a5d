/// One kind of input from outside, and what must hold whatever the input is.
public enum Oracle: String, CaseIterable, Sendable {
    /// memory/vnode<n>/target-balloon-size, and sizes on the command line.
    case target
    /// Paths of watch events.
    case path
    /// The configuration file.
    case configuration
    /// What a client sends to the control socket.
    case request
    /// Entries of /proc/self/pagemap.
    case pagemap
    /// XENMEM_get_vnumainfo.
    case vnuma
    /// The messages that xenstored sends.
    case store

    /// Parses the bytes with the product's code, and compares the result with that of slow and obvious code.
    /// - Throws: ``Mistake``: the two differ, or a property does not hold.
    public func examine(_ bytes: [UInt8]) throws {
        switch self {
        case .target: try TargetOracle.examine(bytes)
        case .path: try PathOracle.examine(bytes)
        case .configuration: try ConfigurationOracle.examine(bytes)
        case .request: try RequestOracle.examine(bytes)
        case .pagemap: try PagemapOracle.examine(bytes)
        case .vnuma: try VNUMAOracle.examine(bytes)
        case .store: try StoreOracle.examine(bytes)
        }
    }
}

/// What an oracle found wrong, in words.
public struct Mistake: Error, CustomStringConvertible {
    public let description: String
}

/// - Throws: ``Mistake`` unless `condition` holds.
func demand(_ condition: Bool, _ why: @autoclosure () -> String) throws {
    if !condition { throw Mistake(description: why()) }
}

/// Reads numbers from bytes, low byte first. Behind the last byte it reads 0.
struct ByteReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func number<T: FixedWidthInteger & UnsignedInteger>(_ type: T.Type) -> T {
        var value: T = 0
        for index in 0..<T.bitWidth / 8 {
            guard let byte = rest.popFirst() else { break }
            value |= T(truncatingIfNeeded: byte) << T(truncatingIfNeeded: index * 8)
        }
        return value
    }
}
