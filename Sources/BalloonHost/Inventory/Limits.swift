internal import BalloonCore

/// What a domain's memory never goes below, and never above. Where nobody says, a quarter and 64 MiB at least, and all.
struct Limits: Equatable {
    static let leastKiB: UInt64 = 64 << 10

    /// For each vnode: what is kept for the vnode itself, else its share of what is kept for the domain, else of dynamic-min and
    /// dynamic-max, else the usual.
    /// - Parameter vnodes: what is kept of each: nil where nothing is.
    static func set(
        _ domain: inout HostDomain, minKiB: UInt64?, maxKiB: UInt64?, vnodes: [(minKiB: UInt64?, maxKiB: UInt64?)]
    ) {
        let sizes = domain.vnodes.map(\.sizeKiB)
        let mins = minKiB.map { shared($0, sizes) }
        let maxs = maxKiB.map { shared($0, sizes) }
        for index in domain.vnodes.indices {
            let size = sizes[index]
            let kept = index < vnodes.count ? vnodes[index] : (minKiB: nil, maxKiB: nil)
            let least = kept.minKiB ?? mins?[index] ?? usualMin(size)
            domain.vnodes[index].minKiB = min(least, size)
            let most = kept.maxKiB ?? maxs?[index] ?? size
            domain.vnodes[index].maxKiB = min(max(most, domain.vnodes[index].minKiB), size)
        }
        let all = domain.staticMaxKiB ?? domain.memoryKiB
        domain.minKiB = minKiB ?? max(oldLeastKiB, all / 2)
        domain.maxKiB = maxKiB ?? all
    }

    /// A guest without a daemon of ours has nothing that stops before the OOM killer comes.
    static let oldLeastKiB: UInt64 = 256 << 10

    static func usualMin(_ sizeKiB: UInt64) -> UInt64 { min(max(leastKiB, sizeKiB / 4), sizeKiB) }

    private static func shared(_ kib: UInt64, _ sizes: [UInt64]) -> [UInt64] {
        let all = sizes.reduce(0, +)
        return all == 0 ? sizes : shares(min(kib, all), weights: sizes)
    }
}
