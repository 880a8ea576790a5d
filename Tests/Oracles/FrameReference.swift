package import VNodeBalloon

/// Slow and obvious twins of the code in Frames, to compare with.
package enum Reference {
    package static let present: UInt64 = 1 << 63
    package static let swapped: UInt64 = 1 << 62

    package static func isResident(_ entry: UInt64) -> Bool { entry & present != 0 && entry & swapped == 0 }
    package static func frame(_ entry: UInt64) -> UInt64 { entry % (1 << 55) }

    package static func extent(_ entries: [UInt64]) -> Result<UInt64, FrameFault> {
        if let index = entries.firstIndex(where: { !isResident($0) }) { return .failure(.notResident(index: index)) }
        let first = frame(entries[0])
        if first == 0 { return .failure(.hidden) }
        if first % UInt64(entries.count) != 0 { return .failure(.misaligned(gfn: first)) }
        for index in entries.indices where frame(entries[index]) != first + UInt64(index) {
            return .failure(.broken(index: index))
        }
        return .success(first)
    }

    package static func frames(_ entries: [UInt64]) -> [UInt64] { entries.filter(isResident).map(frame) }

    package static func run(_ start: Int, _ frames: [UInt64]) -> FrameRun {
        var end = start + 1
        while end < frames.count && frames[end] == frames[end - 1] + 1 { end += 1 }
        return FrameRun(first: frames[start], count: end - start)
    }

    package static func largestOrder(_ run: FrameRun, limit: Int) -> Int {
        (0...limit).last { run.count >= 1 << $0 && run.first % (1 << UInt64($0)) == 0 } ?? 0
    }

    /// The extents of one order that lie in a list, whatever the room for them.
    package static func extents(_ frames: [UInt64], order: Int) -> [UInt64] {
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
