/// The 2 MiB pools of all nodes, as one number that has two owners: an administrator who may write it at any time, and us.
///
/// A pool that is not as we left it was written by an administrator. ``PoolShares`` says what their number means, and
/// this puts our pages on top of it.
package final class NodePools {
    private let ledger: PoolLedger
    private let source: any PoolSource
    /// Sizes of the pools that had changed at the last look. They count once the next one sees the same: a write may take the
    /// kernel seconds.
    private var seen: [Int: Int] = [:]
    private(set) var hasBegun = false

    package init(_ source: any PoolSource, ledger: PoolLedger) {
        self.source = source
        self.ledger = ledger
    }

    package var shares: PoolShares { ledger.shares }

    /// Begins with what is there, once it is known what is ours.
    /// - Parameters:
    ///   - notes: of the process before this one.
    ///   - isSure: no page of ours left its file.
    /// - Returns: the nodes whose numbers an administrator wrote meanwhile.
    package func begin(notes: [Int: PoolShares.Note], isSure: Bool) throws(BalloonError) -> [Int] {
        let (pools, ours, reserved) = (try source.look(), try source.ours(), try source.reserved())
        hasBegun = true
        return ledger.shares.begin(
            pools, ours: ours, notes: notes, slack: source.slack, isSure: isSure, reserved: reserved)
    }

    package enum Look: Equatable {
        /// The pools are as we left them.
        case same
        /// A size has changed. Look again soon: the write may not be complete.
        case changing
        /// An administrator wrote the numbers of these nodes; of none: a page broke.
        case written([Int])
    }

    /// Checks whether an administrator wrote a number.
    package func look() throws(BalloonError) -> Look {
        let before = seen
        seen = ledger.shares.changed(try source.sizes())
        if seen.isEmpty { return .same }
        guard seen == before else { return .changing }
        let (pools, ours, reserved) = (try source.look(), try source.ours(), try source.reserved())
        seen = [:]
        return .written(ledger.shares.take(pools, ours: ours, reserved: reserved))
    }

    /// Puts pages into pools that lack some: the surplus ones first, which needs no memory, then new ones.
    /// - Parameters:
    ///   - most: so many new ones in all.
    ///   - room: so many new ones at most, by node; none where nothing is known of it.
    /// - Returns: whether any was.
    package func fill(most: Int, room: [Int: Int]) throws(BalloonError) -> Bool {
        let before = ledger.shares.missing
        if before.isEmpty { return false }
        try keepSurplus(atMost: before.values.reduce(0, +))
        var left = most
        for (node, missing) in ledger.shares.missing.sorted(by: { $0.key < $1.key }) where left > 0 {
            let count = min(missing, left, room[node] ?? 0)
            guard count > 0 else { continue }
            try source.fill(node, by: count)
            left -= count
        }
        return ledger.shares.missing != before
    }

    /// Makes surplus pages stay: a number for all nodes, which no kernel takes for another one. Each node's number would have
    /// the surplus pages of the others counted in, before Linux 6.6.
    private func keepSurplus(atMost missing: Int) throws(BalloonError) {
        let pools = try source.look()
        let surplus = pools.values.reduce(0) { $0 + $1.surplus }
        guard surplus > 0, ledger.shares.changed(pools.mapValues(\.persistent)).isEmpty else { return }
        let all = pools.values.reduce(0) { $0 + $1.persistent } + min(surplus, missing)
        try source.setAll(all)
        let after = try source.look()
        // Another sum means that an administrator wrote meanwhile: the next look sees it.
        guard after.values.reduce(0, { $0 + $1.persistent }) == all else { return }
        for (node, pool) in after {
            ledger.shares.raised(node, by: pool.persistent - (pools[node]?.persistent ?? pool.persistent))
            ledger.shares.left(node, at: pool.persistent)
        }
    }

    /// What the next process needs to know of the pools.
    package func note() throws(BalloonError) -> String { ledger.shares.note(ours: try source.ours()) }
}

/// What the pools ask of the kernel.
package protocol PoolSource: AnyObject {
    /// The persistent pages of every node's pool.
    func sizes() throws(BalloonError) -> [Int: Int]
    /// Every node's pool.
    func look() throws(BalloonError) -> [Int: PoolShares.Pool]
    /// Pages of ours in each.
    func ours() throws(BalloonError) -> [Int: Int]
    /// Pages that programs mapped and have not touched yet.
    func reserved() throws(BalloonError) -> Int
    /// So many pages of ours a move of an earlier process may have left in each pool.
    var slack: [Int: Int] { get }
    /// Puts up to so many new pages into a node's pool, and notes what came of it.
    func fill(_ node: Int, by count: Int) throws(BalloonError)
    /// Writes the number of all nodes.
    func setAll(_ count: Int) throws(BalloonError)
}

/// The kernel's own pools, in sysfs.
final class LinuxPools: PoolSource {
    let slack: [Int: Int]
    private let all: HugePagePools
    private let pools: [Int: HugePagePool]
    private let reserves: [PinnedPages]

    /// - Throws: `.noHugePages`, `.descriptors`.
    init(_ all: HugePagePools, _ reserves: [PinnedPages], slack: [Int: Int]) throws(BalloonError) {
        var pools: [Int: HugePagePool] = [:]
        for pool in try all.all() { pools[pool.node] = pool }
        self.all = all
        self.pools = pools
        self.reserves = reserves
        self.slack = slack
    }

    func sizes() throws(BalloonError) -> [Int: Int] {
        var sizes: [Int: Int] = [:]
        for (node, pool) in pools { sizes[node] = try pool.persistent() }
        return sizes
    }

    func look() throws(BalloonError) -> [Int: PoolShares.Pool] {
        var looks: [Int: PoolShares.Pool] = [:]
        for (node, pool) in pools { looks[node] = try pool.look() }
        return looks
    }

    func ours() throws(BalloonError) -> [Int: Int] {
        var ours: [Int: Int] = [:]
        for reserve in reserves {
            if let node = reserve.node { ours[node, default: 0] += try reserve.poolPages() }
        }
        return ours
    }

    func reserved() throws(BalloonError) -> Int { try all.reserved() }

    func fill(_ node: Int, by count: Int) throws(BalloonError) { try pools[node]?.fill(by: count) }

    func setAll(_ count: Int) throws(BalloonError) { try all.set(count) }
}
