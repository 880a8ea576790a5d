/// One entry of /proc/self/pagemap: the frame of a virtual page.
public struct PagemapEntry: RawRepresentable, Equatable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Bits 0 to 54: the frame number. 0 for a reader without CAP_SYS_ADMIN.
    public static let frameMask: UInt64 = (1 << 55) - 1
    /// Bit 62: swapped, or being migrated.
    public static let swapped: UInt64 = 1 << 62
    /// Bit 63: in memory.
    public static let present: UInt64 = 1 << 63

    public var frame: UInt64 { rawValue & Self.frameMask }
    /// In memory, and neither swapped nor being migrated.
    public var isResident: Bool { rawValue & (Self.present | Self.swapped) == Self.present }
}

/// Why a run of pagemap entries is not an extent that may be given.
public enum FrameFault: Error, Equatable, Sendable {
    /// An entry is missing, swapped or being migrated.
    case notResident(index: Int)
    /// Frame 0: the reader may not see frame numbers (it needs CAP_SYS_ADMIN).
    case hidden
    /// The first frame is not a multiple of the extent's size.
    case misaligned(gfn: UInt64)
    /// The frames are not consecutive.
    case broken(index: Int)
}

extension PagemapEntry {
    /// The first frame of the extent that `entries` describe. They must describe exactly one extent: all frames are
    /// resident and consecutive, and the first is a multiple of their number.
    ///
    /// `entries` holds the extent's pages in order; their number is a power of two.
    public static func extent(_ entries: Span<UInt64>) throws(FrameFault) -> UInt64 {
        precondition(entries.count.nonzeroBitCount == 1, "an extent has 2^order pages")
        let expected = (entries[0] & frameMask) | present
        // Bits above the frame that do not matter (soft-dirty, file, exclusive) are masked out.
        let relevant = frameMask | present | swapped
        // One pass without a branch, because nearly always all entries are right. Two entries fill one vector register.
        // The loop does eight vectors a turn: with four or sixteen it is slower than without vectors (x86-64, Swift
        // 6.3). Unchecked: the loop's own condition keeps all indices below the count.
        let (count, width) = (entries.count, 16)
        var (index, pairs) = (0, SIMD2<UInt64>(repeating: 0))
        while index &+ width <= count {
            for half in 0..<width / 2 {
                let at = index &+ 2 &* half
                let pair = unsafe SIMD2(entries[unchecked: at], entries[unchecked: at &+ 1])
                let next = expected &+ UInt64(truncatingIfNeeded: at)
                pairs |= (pair & relevant) ^ SIMD2(next, next &+ 1)
            }
            index &+= width
        }
        var wrong = pairs[0] | pairs[1]
        while index < count {
            wrong |= (entries[index] & relevant) ^ (expected &+ UInt64(truncatingIfNeeded: index))
            index &+= 1
        }
        let gfn = entries[0] & frameMask
        if wrong == 0 && gfn != 0 && gfn & UInt64(entries.count - 1) == 0 { return gfn }
        throw fault(entries, gfn)
    }

    /// The first frame of a page that the kernel maps as a whole, from its last entry alone: the kernel computes all
    /// its entries from one (pagemap_hugetlb_range).
    public static func extent(last: UInt64, frames: UInt64) throws(FrameFault) -> UInt64 {
        let entry = PagemapEntry(rawValue: last)
        if !entry.isResident { throw .notResident(index: Int(frames) - 1) }
        if entry.frame == 0 || entry.frame == frames - 1 { throw .hidden }
        if entry.frame & (frames - 1) != frames - 1 { throw .misaligned(gfn: entry.frame &- (frames - 1)) }
        return entry.frame - (frames - 1)
    }

    private static func fault(_ entries: Span<UInt64>, _ gfn: UInt64) -> FrameFault {
        for index in entries.indices where !PagemapEntry(rawValue: entries[index]).isResident {
            return .notResident(index: index)
        }
        if gfn == 0 { return .hidden }
        if gfn & UInt64(entries.count - 1) != 0 { return .misaligned(gfn: gfn) }
        for index in entries.indices where entries[index] & frameMask != gfn &+ UInt64(index) {
            return .broken(index: index)
        }
        return .broken(index: 0)
    }
}
