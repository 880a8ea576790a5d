import Simulation

/// Values for pagemap entries.
enum Sample {
    /// The highest frame number that pagemap can hold.
    static let highestFrame: UInt64 = (1 << 55) - 1

    /// Bits that pagemap sets and that the product must ignore: soft-dirty, exclusive, write-protected, file.
    static func noise(_ random: inout SeededGenerator) -> UInt64 { random.next() & (0b1_1000_0111 << 55) & ~(3 << 62) }
}
