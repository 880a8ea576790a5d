import CLibFuzzer
import Glibc
import Oracles

/// The oracle that FUZZ_ORACLE names.
private let oracle: Oracle = {
    // Unsafe: C's text is copied at once.
    guard let name = unsafe getenv("FUZZ_ORACLE"), let oracle = unsafe Oracle(rawValue: String(cString: name)) else {
        fail("FUZZ_ORACLE must be one of \(Oracle.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return oracle
}()

private func fail(_ text: String) -> Never {
    let line = "MISTAKE: \(text)\n"
    // Unsafe: a C string and its length.
    _ = unsafe write(2, line, line.utf8.count)
    abort()
}

/// libFuzzer with an oracle as its target.
@main
enum Fuzz {
    static func main() {
        var count = CommandLine.argc
        // Unsafe: C's own list of arguments, which libFuzzer may replace, and the input's bytes,
        // which are copied at once.
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = unsafe CommandLine.unsafeArgv
        let code = unsafe LLVMFuzzerRunDriver(&count, &arguments) { data, size in
            let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: size))
            do { try oracle.examine(bytes) } catch { fail("\(oracle.rawValue): \(error)") }
            return 0
        }
        exit(code)
    }
}
