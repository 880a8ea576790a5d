/// Memory that a domain, or a vnode of it, keeps and may have, as an administrator set it; nil: not set.
public struct HostLimits: Equatable, Sendable {
    public struct Bounds: Equatable, Sendable {
        public var minimum: KiB?
        public var maximum: KiB?

        public init(minimum: KiB? = nil, maximum: KiB? = nil) {
            self.minimum = minimum
            self.maximum = maximum
        }

        /// What is said here, and where nothing is, what `other` says.
        func over(_ other: Bounds) -> Bounds {
            Bounds(minimum: minimum ?? other.minimum, maximum: maximum ?? other.maximum)
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

/// What a domain's memory never goes below, and never above. Where none is set: a quarter and 64 MiB at least, and all.
enum Limits {
    static let least: KiB = .mib(64)

    /// - Parameter said: by whom counts most first. What is said of a vnode counts before what the same one says of the domain.
    static func set(_ domain: inout HostDomain, _ said: [HostLimits]) {
        let sizes = domain.vnodes.map(\.size)
        func first(_ index: Int, _ bound: (HostLimits.Bounds) -> KiB?) -> KiB? {
            for limits in said {
                if let kib = limits.vnodes[index].flatMap(bound) { return kib }
                if let kib = bound(limits.whole) { return shared(kib, sizes)[index] }
            }
            return nil
        }
        for index in domain.vnodes.indices {
            let size = sizes[index]
            domain.vnodes[index].minimum = min(first(index, \.minimum) ?? usualMin(size), size)
            let most = first(index, \.maximum) ?? size
            domain.vnodes[index].maximum = min(max(most, domain.vnodes[index].minimum), size)
        }
        let all = domain.staticMax ?? domain.memory
        domain.minimum = said.lazy.compactMap(\.whole.minimum).first ?? max(oldLeast, all / 2)
        domain.maximum = said.lazy.compactMap(\.whole.maximum).first ?? all
    }

    /// A guest without a daemon of ours has nothing that stops before the OOM killer comes.
    static let oldLeast: KiB = .mib(256)

    static func usualMin(_ size: KiB) -> KiB { min(max(least, size / 4), size) }

    private static func shared(_ kib: KiB, _ sizes: [KiB]) -> [KiB] {
        let all = sizes.reduce(.zero, +)
        return all == .zero ? sizes : shares(min(kib, all), weights: sizes)
    }
}
