/// Input that is the same in each run.
struct Input {
    // SplitMix64.
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// The first frames of 2 MiB pages, none of which follows the one before it.
    static func hugePages(frames: Int) -> [UInt64] {
        (0..<UInt64(frames / 512)).flatMap { page in
            let first = (page &* 7919 % 65536 + 1) * 1024
            return first..<first + 512
        }
    }
}
