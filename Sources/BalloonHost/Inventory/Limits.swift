/// The least and the most memory of a domain or one of its vnodes, as set by one source; nil: not set.
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

    /// Limits of the whole domain. They are divided in proportion to the vnodes' sizes.
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

/// The limits of a domain's memory. Where none is set, the minimum is the larger of a quarter and 64 MiB, and the
/// maximum all of it.
enum Limits {
    static let least: KiB = .mib(64)

    /// - Parameter said: the sources' limits, the most important source first. Within one source, a limit of a vnode
    ///   comes before one of the domain.
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

    /// The usual minimum of a guest without our daemon: nothing in it stops before the OOM killer runs.
    static let oldLeast: KiB = .mib(256)

    static func usualMin(_ size: KiB) -> KiB { min(max(least, size / 4), size) }

    private static func shared(_ kib: KiB, _ sizes: [KiB]) -> [KiB] {
        let all = sizes.reduce(.zero, +)
        return all == .zero ? sizes : shares(min(kib, all), weights: sizes)
    }
}
