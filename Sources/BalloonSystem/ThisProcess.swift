internal import CBalloonShim

/// This process, and programs that it starts.
package enum ThisProcess {
    /// Must come first in every command. It makes sure that descriptors 0 to 2 are open, that a write without a reader
    /// is an error and no signal, and that the limits of descriptors and file sizes are as high as possible without a
    /// privilege.
    package static func prepare() { _ = cb_process_prepare() }

    /// Whether this process runs as root.
    package static var isRoot: Bool { cb_effective_user() == 0 }

    /// How many other processes have this name (/proc); nil: not all processes could be read.
    package static func others(named name: String) -> Int? {
        // Unsafe: a C string for the call.
        let count = unsafe cb_process_count(name)
        return count >= 0 ? Int(count) : nil
    }

    /// Runs a program with our standard input and output, and waits until it ends.
    /// - Parameter words: the program ($PATH is searched) and its arguments.
    /// - Returns: its exit code; if a signal ended it, 128 plus the signal's number.
    /// - Throws: `.usage` where the program cannot be started.
    package static func run(_ words: [String]) throws(BalloonError) -> Int32 {
        let bytes = words.flatMap { (text) -> [UInt8] in Array(text.utf8) + [0] }
        // Unsafe: texts with a NUL behind each, and how many they are.
        let result = unsafe bytes.withUnsafeBufferPointer {
            unsafe cb_run($0.baseAddress, $0.count, UInt32(words.count))
        }
        return try check(result, .usage, "cannot run \(words.first ?? "")")
    }
}
