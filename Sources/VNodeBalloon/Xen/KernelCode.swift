/// Finds the memory of the guest's kernel, which is written once, at boot.
package enum KernelCode {
    /// How many frames are used: more than one, because the kernel may patch some of its code now and then.
    private static let count: UInt64 = 4

    /// A few frames of the kernel's code, spread over all of it (/proc/iomem).
    /// - Throws: `.system`, also when /proc/iomem shows no addresses, as for any user but root.
    static func frames() throws(BalloonError) -> [UInt64] {
        let frames = parse(String(decoding: try readFile("/proc/iomem"), as: UTF8.self))
        guard !frames.isEmpty else {
            throw BalloonError(.system, "/proc/iomem does not show where the kernel's code lies; run this as root")
        }
        return frames
    }

    /// Parses `  01000000-01e00fff : Kernel code`, the end inclusive. For users other than root the addresses are 0.
    package static func parse(_ iomem: String) -> [UInt64] {
        for line in iomem.split(separator: "\n") where line.hasSuffix(" : Kernel code") {
            let bounds = line.drop { $0 == " " }.prefix { $0 != " " }.split(separator: "-")
            guard bounds.count == 2, let start = UInt64(bounds[0], radix: 16), let last = UInt64(bounds[1], radix: 16),
                start < last
            else { continue }
            let (first, frames) = ((start + 4095) / 4096, last / 4096 - start / 4096)
            return (0..<min(count, frames)).map { first + $0 * frames / count }
        }
        return []
    }
}
