internal import BalloonCore

/// Memory that a domain, or a vnode of it, keeps and may have, as somebody said it. KiB; nil: nobody said.
public struct HostLimits: Equatable, Sendable {
    public struct Bounds: Equatable, Sendable {
        public var minKiB: UInt64?
        public var maxKiB: UInt64?

        public init(minKiB: UInt64? = nil, maxKiB: UInt64? = nil) {
            self.minKiB = minKiB
            self.maxKiB = maxKiB
        }

        /// What is said here, and where nothing is, what `other` says.
        func over(_ other: Bounds) -> Bounds {
            Bounds(minKiB: minKiB ?? other.minKiB, maxKiB: maxKiB ?? other.maxKiB)
        }
    }

    /// Of the whole domain: shared out by the vnodes' sizes.
    public var whole = Bounds()
    public var vnodes: [Int: Bounds] = [:]

    public init(_ whole: Bounds = Bounds(), vnodes: [Int: Bounds] = [:]) {
        self.whole = whole
        self.vnodes = vnodes
    }

    public var isEmpty: Bool { self == HostLimits() }

    /// What is said here, and where nothing is, what `other` says.
    public func over(_ other: HostLimits) -> HostLimits {
        HostLimits(whole.over(other.whole), vnodes: vnodes.merging(other.vnodes) { $0.over($1) })
    }
}

/// What a domain's memory never goes below, and never above. Where nobody says, a quarter and 64 MiB at least, and all.
enum Limits {
    static let leastKiB: UInt64 = 64 << 10

    /// - Parameter said: by whom counts most first. What is said of a vnode counts before what the same one says of the domain.
    static func set(_ domain: inout HostDomain, _ said: [HostLimits]) {
        let sizes = domain.vnodes.map(\.sizeKiB)
        func first(_ index: Int, _ bound: (HostLimits.Bounds) -> UInt64?) -> UInt64? {
            for limits in said {
                if let kib = limits.vnodes[index].flatMap(bound) { return kib }
                if let kib = bound(limits.whole) { return shared(kib, sizes)[index] }
            }
            return nil
        }
        for index in domain.vnodes.indices {
            let size = sizes[index]
            domain.vnodes[index].minKiB = min(first(index, \.minKiB) ?? usualMin(size), size)
            let most = first(index, \.maxKiB) ?? size
            domain.vnodes[index].maxKiB = min(max(most, domain.vnodes[index].minKiB), size)
        }
        let all = domain.staticMaxKiB ?? domain.memoryKiB
        domain.minKiB = said.lazy.compactMap(\.whole.minKiB).first ?? max(oldLeastKiB, all / 2)
        domain.maxKiB = said.lazy.compactMap(\.whole.maxKiB).first ?? all
    }

    /// A guest without a daemon of ours has nothing that stops before the OOM killer comes.
    static let oldLeastKiB: UInt64 = 256 << 10

    static func usualMin(_ sizeKiB: UInt64) -> UInt64 { min(max(leastKiB, sizeKiB / 4), sizeKiB) }

    private static func shared(_ kib: UInt64, _ sizes: [UInt64]) -> [UInt64] {
        let all = sizes.reduce(0, +)
        return all == 0 ? sizes : shares(min(kib, all), weights: sizes)
    }
}
