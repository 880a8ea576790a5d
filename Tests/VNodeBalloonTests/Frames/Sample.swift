import Simulation

/// Random lists in which every kind of run occurs.
enum Sample {
    /// The highest frame number that pagemap can hold.
    static let highestFrame: UInt64 = (1 << 55) - 1
    /// Lengths on either side of the sizes that the code treats specially.
    static let lengths = [1, 2, 3, 7, 8, 9, 15, 16, 17, 63, 64, 65, 511, 512, 513, 1023, 1024, 1025]

    /// A list of frames made of a few runs: aligned or nearly, upwards or downwards, low or at the very top, repeated.
    static func frames(_ random: inout SeededGenerator) -> [UInt64] {
        var list: [UInt64] = []
        for _ in 0..<random.number(0...6) {
            let run = self.run(&random)
            list += run
            if random.oneIn(8) { list += run }
        }
        if !list.isEmpty && random.oneIn(4) { list.swapAt(random.number(0...list.count - 1), 0) }
        return list
    }

    private static func run(_ random: inout SeededGenerator) -> [UInt64] {
        let length = random.pick(lengths)
        if random.oneIn(6) { return (0..<UInt64(length)).map { highestFrame - UInt64(length) + 1 + $0 } }
        let aligned = UInt64(random.number(0...40)) * 512
        // Often exactly at a boundary, else some frames before or behind one.
        let first = random.oneIn(2) ? aligned : aligned + UInt64(random.number(0...511))
        let frames = (0..<UInt64(length)).map { first + $0 }
        return random.oneIn(5) ? frames.reversed() : frames
    }

    /// Bits that pagemap sets and that mean nothing here: soft-dirty, exclusive, write-protected, file.
    static func noise(_ random: inout SeededGenerator) -> UInt64 { random.next() & (0b1_1000_0111 << 55) & ~(3 << 62) }
}
