import VNodeBalloon

/// Targets and sizes against arithmetic that is wide enough for all of them.
enum TargetOracle {
    static func examine(_ bytes: [UInt8]) throws {
        let target = TargetText(untrusted: bytes)
        let wanted = number(bytes[...]).flatMap { UInt64(exactly: $0) }
        try demand(target.kib == wanted, "\(String(describing: target.kib)) for \(String(describing: wanted))")
        for limit in [0, 1, 131072, wanted ?? 2, (wanted ?? 2) &- 1, .max] {
            let request = wanted.map { $0 <= limit ? TargetRequest.size($0) : .invalid } ?? .invalid
            try demand(target.request(limitKiB: limit) == request, "the request with the limit \(limit)")
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
        let units: [Character: UInt128] = ["k": 1, "m": 1 << 10, "g": 1 << 20, "t": 1 << 30]
        let last = bytes.last.map { Character(UnicodeScalar($0)) }
        let unit = last.flatMap { units[Character($0.lowercased())] }
        let digits = unit == nil ? bytes[...] : bytes.dropLast()
        let kib = number(digits).map { $0 * (unit ?? 1) }
        // Its bytes have to fit, too.
        let wanted = kib.flatMap { $0 * 1024 <= UInt128(UInt64.max) ? UInt64($0) : nil }
        try demand(Size(text)?.kib == wanted, "the size \(text) is \(String(describing: Size(text)?.kib))")
    }

    /// Digits alone, 20 at most.
    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt128? {
        guard (1...20).contains(bytes.count), bytes.allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return nil }
        return bytes.reduce(UInt128(0)) { $0 * 10 + UInt128($1 - 48) }
    }
}

/// Paths: what is taken for one of the interface's is exactly that one.
enum PathOracle {
    static func examine(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        let found = StorePath(text)
        try demand(found == wanted(text), "\(String(describing: found)) for \(text)")
        if let found { try demand(Array(found.text.utf8) == Array(text.utf8), "\(text) became \(found.text)") }
    }

    /// By taking away what must be there, scalar by scalar.
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

/// Configurations: each line counts or is named as the wrong one; what was read can be written and read again.
enum ConfigurationOracle {
    static func examine(_ bytes: [UInt8]) throws {
        let (wanted, wrongLine) = reference(bytes)
        do {
            let configuration = try Configuration(parsing: bytes, name: "file")
            try demand(wrongLine == nil, "line \(wrongLine ?? 0) is wrong, and was taken")
            try demand(configuration == wanted, "\(configuration) for \(wanted)")
            try demand(
                try Configuration(parsing: text(configuration), name: "file") == configuration, "written and read")
        } catch let error as BalloonError {
            guard let wrongLine else { throw Mistake(description: "all is right, and it says: \(error)") }
            try demand(error.code == .invalidConfiguration, "the kind of \(error)")
            try demand(error.message.hasPrefix("file, line \(wrongLine): "), "not line \(wrongLine): \(error)")
        }
    }

    /// Byte by byte, with the values left to the product.
    private static func reference(_ bytes: [UInt8]) -> (Configuration, wrongLine: Int?) {
        var configuration = Configuration()
        var (line, number) = ([UInt8](), 1)
        for byte in bytes + [10] {
            if byte != 10 {
                line.append(byte)
                continue
            }
            if !take(line, &configuration) { return (configuration, number) }
            (line, number) = ([], number + 1)
        }
        return (configuration, nil)
    }

    private static func take(_ line: [UInt8], _ configuration: inout Configuration) -> Bool {
        var sides: [[UInt8]] = [[]]
        for byte in line {
            if byte == 35 { break }
            if byte == 61 && sides.count == 1 { sides.append([]) } else { sides[sides.count - 1].append(byte) }
        }
        if sides.count == 1 { return strip(sides[0]).isEmpty }
        // Carriage returns are blanks at the ends only; nothing else is not printable.
        for byte in strip(sides.joined(separator: [61]) + []) where byte != 9 && !(32..<127).contains(byte) {
            return false
        }
        let (key, value) = (strip(sides[0]), strip(sides[1]))
        return configuration.set(String(decoding: key, as: UTF8.self), String(decoding: value, as: UTF8.self)) == nil
    }

    private static func strip<T: Collection<UInt8>>(_ text: T) -> [UInt8] {
        var text = Array(text)
        while let last = text.last, [9, 13, 32].contains(last) { text.removeLast() }
        while let first = text.first, [9, 13, 32].contains(first) { text.removeFirst() }
        return text
    }

    private static func text(_ configuration: Configuration) -> [UInt8] {
        let lines = [
            "state-dir = \(configuration.stateDirectory)", "min-free = \(configuration.minFreeKiB)",
            "max-rate=\(configuration.maxRateMiB)", "\tlog-level = \(configuration.logLevel)\r",
            "on-pressure = \(configuration.onPressure.rawValue) # or not", "floor = \(configuration.floorKiB)",
            "yield-to = \(configuration.yieldToKiB)k",
        ]
        return Array(lines.joined(separator: "\n").utf8)
    }
}
