internal import Glibc

/// Checks. They are printed on standard error at once, because standard output is for the table alone.
struct Checks {
    private var passed = 0
    private var failed = 0

    mutating func check(_ text: String, _ isGood: Bool) {
        if isGood { passed += 1 } else { failed += 1 }
        say("\(isGood ? "ok  " : "FAIL") loops: \(text)")
    }

    func end() -> Never {
        say("\(passed) passed, \(failed) failed")
        exit(failed == 0 && passed > 0 ? 0 : 1)
    }

    private func say(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        _ = unsafe write(2, bytes, bytes.count)
    }
}
