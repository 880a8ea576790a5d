import Simulation
import VNodeBalloon

/// Slow and obvious twins of the code in Frames, to compare with.
enum Reference {
    static let present: UInt64 = 1 << 63
    static let swapped: UInt64 = 1 << 62

    static func isResident(_ entry: UInt64) -> Bool { entry & present != 0 && entry & swapped == 0 }
    static func frame(_ entry: UInt64) -> UInt64 { entry % (1 << 55) }

    static func extent(_ entries: [UInt64]) -> Result<UInt64, FrameFault> {
        if let index = entries.firstIndex(where: { !isResident($0) }) { return .failure(.notResident(index: index)) }
        let first = frame(entries[0])
        if first == 0 { return .failure(.hidden) }
        if first % UInt64(entries.count) != 0 { return .failure(.misaligned(gfn: first)) }
        for index in entries.indices where frame(entries[index]) != first + UInt64(index) {
            return .failure(.broken(index: index))
        }
        return .success(first)
    }

    static func frames(_ entries: [UInt64]) -> [UInt64] { entries.filter(isResident).map(frame) }

    static func run(_ start: Int, _ frames: [UInt64]) -> FrameRun {
        var end = start + 1
        while end < frames.count && frames[end] == frames[end - 1] + 1 { end += 1 }
        return FrameRun(first: frames[start], count: end - start)
    }

    static func largestOrder(_ run: FrameRun, limit: Int) -> Int {
        (0...limit).last { run.count >= 1 << $0 && run.first % (1 << UInt64($0)) == 0 } ?? 0
    }

    /// The extents of one order that lie in a list, whatever the room for them.
    static func extents(_ frames: [UInt64], order: Int) -> [UInt64] {
        let size = 1 << order
        var found: [UInt64] = []
        var index = 0
        while index + size <= frames.count {
            let isExtent = frames[index] % UInt64(size) == 0 && run(index, frames).count >= size
            if isExtent { found.append(frames[index]) }
            index += isExtent ? size : 1
        }
        return found
    }
}

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
