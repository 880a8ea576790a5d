internal import CLoops
internal import VNodeBalloon

// Entries of pagemap to extents.
extension Loop {
    static func decoding(frames: Int) -> [Loop] { [extents(frames)] }

    /// Each page that the daemon gives or frees is checked so: do its entries form one extent, and which one?
    private static func extents(_ count: Int) -> Loop {
        let entries = Words(Input.hugePages(frames: count).map { $0 | PagemapEntry.present })
        let (pages, frames) = (count / 512, 512)
        return Loop("pagemap to extents", size(count), bytes: count * 8, "extent", pages, goal: .atLeast(0.95)) {
            var sum: UInt64 = 0
            for page in 0..<pages {
                let span = unsafe Span<UInt64>(_unsafeStart: entries.pointer + page * frames, count: frames)
                sum = mix(sum, (try? PagemapEntry.extent(span)) ?? 0)
            }
            return sum
        } c: {
            var sum: UInt64 = 0
            for page in 0..<pages { sum = mix(sum, unsafe cl_extent(entries.pointer + page * frames, frames)) }
            return sum
        }
    }
}
