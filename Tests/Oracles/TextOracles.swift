import VNodeBalloon

/// A second parser of numbers and sizes. It computes in 128 bits, which none of them exceeds.
enum PlainNumber {
    /// Parses digits alone, at most 20.
    static func read(_ bytes: [UInt8]) -> UInt128? {
        guard (1...20).contains(bytes.count), bytes.allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return nil }
        return bytes.reduce(UInt128(0)) { $0 * 10 + UInt128($1 - 48) }
    }

    /// Parses a size; nil if its number of bytes does not fit into 64 bits.
    static func size(_ bytes: [UInt8]) -> KiB? {
        let units: [Character: UInt128] = ["k": 1, "m": 1 << 10, "g": 1 << 20, "t": 1 << 30]
        let last = bytes.last.map { Character(UnicodeScalar($0)) }
        let unit = last.flatMap { units[Character($0.lowercased())] }
        guard let kib = read(unit == nil ? bytes : bytes.dropLast()).map({ $0 * (unit ?? 1) }) else { return nil }
        return kib * 1024 <= UInt128(UInt64.max) ? KiB(UInt64(kib)) : nil
    }
}

/// Targets and sizes, compared with 128-bit arithmetic.
enum TargetOracle {
    static func examine(_ bytes: [UInt8]) throws {
        let target = TargetText(untrusted: bytes)
        let wanted = PlainNumber.read(bytes).flatMap { UInt64(exactly: $0) }.map { KiB($0) }
        try demand(target.size == wanted, "\(String(describing: target.size)) for \(String(describing: wanted))")
        for limit in [0, 1, 131072, wanted?.count ?? 2, (wanted?.count ?? 2) &- 1, .max].map({ KiB($0) }) {
            let request = wanted.map { $0 <= limit ? TargetRequest.size($0) : .invalid } ?? .invalid
            try demand(target.request(limit: limit) == request, "the request with the limit \(limit)")
        }
        let isPlain = (1...20).contains(bytes.count) && bytes.allSatisfy { $0 >= 32 && $0 < 127 }
        let acknowledgement = target.acknowledgement
        try demand(
            Array(acknowledgement.utf8) == (isPlain ? bytes : Array("invalid".utf8)),
            "acknowledged as \(acknowledgement)")
        try examineSize(bytes)
    }

    private static func examineSize(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        let wanted = PlainNumber.size(bytes)
        try demand(Size(text)?.kib == wanted, "the size \(text) is \(String(describing: Size(text)?.kib))")
    }
}

/// Paths of watch events: a text is accepted as a path of the interface only if it is exactly that.
enum PathOracle {
    static func examine(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        let found = StorePath(text)
        try demand(found == wanted(text), "\(String(describing: found)) for \(text)")
        if let found { try demand(Array(found.text.utf8) == Array(text.utf8), "\(text) became \(found.text)") }
    }

    /// A second parser, which removes the expected parts scalar by scalar.
    private static func wanted(_ text: String) -> StorePath? {
        var rest = Array(text.unicodeScalars)
        for scalar in "memory/vnode".unicodeScalars {
            guard rest.first == scalar else { return nil }
            rest.removeFirst()
        }
        let digits = rest.prefix { $0 != "/" }
        let number = digits.reduce(into: "") { $0.unicodeScalars.append($1) }
        guard digits.allSatisfy({ $0.isASCII }), let value = Int(number), "\(value)" == number, value >= 0 else {
            return nil
        }
        let row = rest.dropFirst(digits.count)
        if row.isEmpty { return .vnode(value, row: nil) }
        let name = row.dropFirst().reduce(into: "") { $0.unicodeScalars.append($1) }
        return name.isEmpty ? nil : .vnode(value, row: name)
    }
}
