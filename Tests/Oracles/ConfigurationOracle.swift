import VNodeBalloon

/// The configuration file: each line takes effect or is reported as the first wrong one, and a configuration that was
/// read can be written and read again.
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

    /// A second parser that goes byte by byte.
    private static func reference(_ bytes: [UInt8]) -> (Configuration, wrongLine: Int?) {
        var configuration = Configuration()
        var keys: [String] = []
        var (line, number) = ([UInt8](), 1)
        for byte in bytes + [10] {
            if byte != 10 {
                line.append(byte)
                continue
            }
            if !take(line, &configuration, &keys) { return (configuration, number) }
            (line, number) = ([], number + 1)
        }
        return (configuration, nil)
    }

    private static func take(_ line: [UInt8], _ configuration: inout Configuration, _ keys: inout [String]) -> Bool {
        var sides: [[UInt8]] = [[]]
        for byte in line {
            if byte == 35 { break }
            if byte == 61 && sides.count == 1 { sides.append([]) } else { sides[sides.count - 1].append(byte) }
        }
        if sides.count == 1 { return strip(sides[0]).isEmpty }
        // A carriage return is a blank, but only at the ends. No other unprintable byte is allowed.
        for byte in strip(sides.joined(separator: [61]) + []) where byte != 9 && !(32..<127).contains(byte) {
            return false
        }
        let (key, value) = (strip(sides[0]), strip(sides[1]))
        let name = String(decoding: key, as: UTF8.self)
        // A key may appear only once.
        if keys.contains(name) { return false }
        keys.append(name)
        return assign(name, value, &configuration)
    }

    /// Sets the value of a key. Returns whether the value is allowed.
    private static func assign(_ key: String, _ bytes: [UInt8], _ configuration: inout Configuration) -> Bool {
        let value = String(decoding: bytes, as: UTF8.self)
        func put(_ place: WritableKeyPath<Configuration, KiB>) -> Bool {
            let size = PlainNumber.size(bytes)
            configuration[keyPath: place] = size ?? .zero
            return size != nil
        }
        switch key {
        case "state-dir":
            configuration.stateDirectory = value
            return bytes.first == 47 && bytes.count <= 79
        case "min-free": return put(\.minFree)
        case "floor": return put(\.floor)
        case "yield-to": return put(\.yieldTo)
        case "max-rate":
            let rate = PlainNumber.read(bytes).flatMap { $0 >> 44 == 0 ? UInt64($0) : nil }
            configuration.maxRateMiB = rate ?? 0
            return rate != nil
        case "mover":
            configuration.mover = ["module": .module, "privcmd": .privcmd, "kernel": .kernel][value] ?? .auto
            return ["auto", "module", "privcmd", "kernel"].contains(value)
        case "on-pressure":
            configuration.onPressure = value == "yield" ? .yield : .stay
            return ["hold", "yield"].contains(value)
        case "log-level":
            configuration.logLevel = value
            return ["trace", "debug", "info", "notice", "warning", "error", "critical"].contains(value)
        default: return false
        }
    }

    private static func strip<T: Collection<UInt8>>(_ text: T) -> [UInt8] {
        var text = Array(text)
        while let last = text.last, [9, 13, 32].contains(last) { text.removeLast() }
        while let first = text.first, [9, 13, 32].contains(first) { text.removeFirst() }
        return text
    }

    private static func text(_ configuration: Configuration) -> [UInt8] {
        let lines = [
            "state-dir = \(configuration.stateDirectory)", "min-free = \(configuration.minFree)",
            "max-rate=\(configuration.maxRateMiB)", "\tlog-level = \(configuration.logLevel)\r",
            "on-pressure = \(configuration.onPressure.rawValue) # or not", "floor = \(configuration.floor)",
            "yield-to = \(configuration.yieldTo)k", "mover = \(configuration.mover.rawValue)",
        ]
        return Array(lines.joined(separator: "\n").utf8)
    }
}
