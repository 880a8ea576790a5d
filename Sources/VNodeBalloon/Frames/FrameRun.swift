/// Guest frames that lie one behind the other.
public struct FrameRun: Equatable, Sendable {
    public let first: UInt64
    public let count: Int

    public init(first: UInt64, count: Int) {
        self.first = first
        self.count = count
    }

    /// The run that begins at `start` in a list of frame numbers.
    ///
    /// The first frames are compared one by one, for short runs end there; then 16 at once, for runs of 512 are the
    /// usual case, and that loop has one branch for all of them.
    public static func at(_ start: Int, in frames: Span<UInt64>) -> FrameRun {
        let first = frames[start]
        // first - start, so that frame i of the run is base + i.
        let base = first &- UInt64(truncatingIfNeeded: start)
        let (count, width) = (frames.count, 16)
        let soon = min(start &+ width, count)
        // Unchecked from here on: each loop's own condition keeps the index below the count. Where each is checked
        // again, the comparison of 16 falls apart into branches.
        var index = start &+ 1
        while index < soon, unsafe frames[unchecked: index] == base &+ UInt64(truncatingIfNeeded: index) { index &+= 1 }
        guard index == soon else { return FrameRun(first: first, count: index &- start) }
        while index &+ width <= count {
            var wrong: UInt64 = 0
            for lane in 0..<width {
                wrong |= unsafe frames[unchecked: index &+ lane] ^ (base &+ UInt64(truncatingIfNeeded: index &+ lane))
            }
            if wrong != 0 { break }
            index &+= width
        }
        while index < count, unsafe frames[unchecked: index] == base &+ UInt64(truncatingIfNeeded: index) {
            index &+= 1
        }
        return FrameRun(first: first, count: index &- start)
    }

    /// The order of the largest extent that begins where the run begins: aligned to its size, inside the run, at
    /// most `limit`. The run must not be empty.
    public func largestOrder(limit: Int = ExtentBuffer.order) -> Int {
        let byLength = Int.bitWidth - 1 - count.leadingZeroBitCount
        return min(limit, byLength, first.trailingZeroBitCount)
    }

    /// What is left of the run behind its first 2^order frames.
    public func dropping(order: Int) -> FrameRun {
        FrameRun(first: first + (1 << UInt64(order)), count: count - (1 << order))
    }
}

extension ExtentBuffer {
    /// Adds the extents of exactly this buffer's order that lie in `frames`; frames in between are passed over.
    ///
    /// - Returns: how many of `frames` were looked at: all, or up to where the list was full.
    public func appendExtents(of frames: Span<UInt64>) -> Int {
        let size = 1 << order
        var start = 0
        while start < frames.count {
            let run = FrameRun.at(start, in: frames)
            // To the first boundary of the order, then extent by extent.
            var index = Int((0 &- run.first) & UInt64(size - 1))
            while run.count - index >= size {
                guard count < capacity else { return start + index }
                append(frames[start + index])
                index += size
            }
            start += run.count
        }
        return start
    }
}
