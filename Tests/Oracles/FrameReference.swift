package import VNodeBalloon

/// Slow and obvious versions of the code in Frames, for comparison.
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
}
