import CBalloonShim
import Glibc
import VNodeBalloon

// The product's own time by the size of the guest: its engine, mover and pages on doubles that cost the same whatever the
// size. `sizes` prints a table, `sizes GIB VNODES` one row of it: each in a process of its own, so that memory is its own.

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

// As the daemon has it.
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
