/// Prometheus' text format, for node_exporter's textfile collector. Pure.
package struct MetricsText {
    /// A value with its labels; without a value it is left out.
    package typealias Sample = (labels: [(String, String)], value: UInt64?)

    package private(set) var text = ""
    /// What all names begin with.
    private let prefix: String

    package init(prefix: String) { self.prefix = prefix }

    /// Writes a family of samples. A family without a sample is left out.
    package mutating func family(_ name: String, _ type: String, _ help: String, _ samples: [Sample]) {
        guard samples.contains(where: { $0.value != nil }) else { return }
        head(name, type, help)
        for sample in samples {
            guard let value = sample.value else { continue }
            let labels = sample.labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",")
            text += "\(prefix)\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(value)\n"
        }
    }

    /// - Parameters:
    ///   - bounds: the upper bounds of the buckets, in microseconds.
    ///   - counts: for each of them, how many were above the bound before it and not above this one.
    package mutating func histogram(
        _ name: String, _ help: String, bounds: [UInt64], counts: [UInt64], sumMicroseconds: UInt64, count: UInt64
    ) {
        head(name, "histogram", help)
        var sum: UInt64 = 0
        for (bound, count) in zip(bounds, counts) {
            sum += count
            text += "\(prefix)\(name)_bucket{le=\"\(Self.seconds(bound))\"} \(sum)\n"
        }
        text += "\(prefix)\(name)_bucket{le=\"+Inf\"} \(count)\n"
        text += "\(prefix)\(name)_sum \(Self.seconds(sumMicroseconds))\n"
        text += "\(prefix)\(name)_count \(count)\n"
    }

    private mutating func head(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(prefix)\(name) \(help)\n# TYPE \(prefix)\(name) \(type)\n"
    }

    /// Microseconds as seconds, without a Double: 2500 is 0.0025.
    private static func seconds(_ microseconds: UInt64) -> String {
        var fraction = "\(microseconds % 1_000_000 + 1_000_000)".dropFirst()
        while fraction.last == "0" { fraction.removeLast() }
        return "\(microseconds / 1_000_000)" + (fraction.isEmpty ? "" : ".\(fraction)")
    }

    private static func escaped(_ value: String) -> String {
        value.flatMap { character -> [Character] in
            switch character {
            case "\\": ["\\", "\\"]
            case "\"": ["\\", "\""]
            case "\n": ["\\", "n"]
            default: [character]
            }
        }.reduce(into: "") { $0.append($1) }
    }
}
