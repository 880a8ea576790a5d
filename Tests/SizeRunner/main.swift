import CBalloonShim
import Glibc
import VNodeBalloon

// Measures the product's own time by the size of the guest. Its engine, mover and pages run on doubles whose cost does
// not depend on the size. `sizes` prints a table. `sizes GIB VNODES` prints one row of it. Each row is measured in a
// process of its own, so that its memory is only its own.

func row(gib: UInt64, vnodes: Int) throws {
    let result = try Measurement(Size(.gib(gib), vnodes: vnodes)).run()
    func number(_ value: Double, _ digits: Int) -> String {
        let factor = pow(10.0, Double(digits))
        let whole = Int((value * factor).rounded())
        let unit = Int(factor)
        guard digits > 0 else { return "\(whole)" }
        let rest = "\(whole % unit)"
        return "\(whole / unit)." + String(repeating: "0", count: digits - rest.count) + rest
    }
    let mib = 1_048_576.0
    let columns = [
        "\(gib) GiB", "\(vnodes)", number(result.firstSteps, 1), number(result.lastSteps, 1), number(result.inflate, 2),
        number(result.deflate, 2), number(result.restart, 2), number(result.audit, 2), number(result.repair, 3),
        number(result.files, 1),
        number(Double(result.bytes) / mib, 1), number(Double(result.restartBytes) / mib, 1), "\(result.kept)",
    ]
    print("| " + columns.joined(separator: " | ") + " |")
}

// The daemon reserves its heap in the same way.
_ = cb_heap_reserve(256 << 10)
let arguments = CommandLine.arguments.dropFirst().compactMap { UInt64($0) }
do {
    if arguments.count == 2, let gib = arguments.first, let vnodes = arguments.last {
        try row(gib: gib, vnodes: Int(vnodes))
    } else {
        print("usage: sizes GIB VNODES")
        exit(64)
    }
} catch {
    print("FAIL sizes: \(error)")
    exit(1)
}
