internal import CBalloonShim

/// The process that this is, and programs that it starts.
package enum ThisProcess {
    /// The first thing of every command: descriptors 0 to 2 are there, a missing reader is an error and no signal, and the
    /// limits of descriptors and of files' sizes are as high as goes without a privilege.
    package static func prepare() { _ = cb_process_prepare() }

    /// Whether it is root's.
    package static var isRoot: Bool { cb_effective_user() == 0 }

    /// How many other processes have this name (/proc); nil: one of them cannot be looked at.
    package static func others(named name: String) -> Int? {
        // Unsafe: a C string for the call.
        let count = unsafe cb_process_count(name)
        return count >= 0 ? Int(count) : nil
    }

    /// Runs a program, with our own standard input and output, and waits for its end.
    /// - Parameter words: the program ($PATH is searched) and its arguments.
    /// - Returns: its exit code; 128 and the signal's number where one ended it.
    /// - Throws: `.usage` where it cannot be started.
    package static func run(_ words: [String]) throws(BalloonError) -> Int32 {
        let bytes = words.flatMap { (text) -> [UInt8] in Array(text.utf8) + [0] }
        // Unsafe: texts with a NUL behind each, and how many they are.
        let result = unsafe bytes.withUnsafeBufferPointer {
            unsafe cb_run($0.baseAddress, $0.count, UInt32(words.count))
        }
        return try check(result, .usage, "cannot run \(words.first ?? "")")
    }
}
