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
    /// Eight frames are compared at once: runs of 512 are the usual case, and their inner loop has no branch.
    public static func at(_ start: Int, in frames: Span<UInt64>) -> FrameRun {
        let first = frames[start]
        // first - start, so that frame i of the run is base + i.
        let base = first &- UInt64(truncatingIfNeeded: start)
        var index = start &+ 1
        while index &+ 8 <= frames.count {
            var wrong: UInt64 = 0
            for lane in 0..<8 {
                wrong |= frames[index &+ lane] ^ (base &+ UInt64(truncatingIfNeeded: index &+ lane))
            }
            if wrong != 0 { break }
            index &+= 8
        }
        while index < frames.count, frames[index] == base &+ UInt64(truncatingIfNeeded: index) { index &+= 1 }
        return FrameRun(first: first, count: index - start)
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
        var index = 0
        while index < frames.count {
            var run = FrameRun.at(index, in: frames)
            index += run.count
            while run.count > 0 {
                // To the next boundary of the order, then extent by extent.
                let skip = Int((0 &- run.first) & ((1 << UInt64(order)) - 1))
                guard run.count >= skip + (1 << order) else { break }
                guard count < capacity else { return index - run.count }
                append(run.first + UInt64(skip))
                run = FrameRun(first: run.first + UInt64(skip), count: run.count - skip).dropping(order: order)
            }
        }
        return index
    }
}
