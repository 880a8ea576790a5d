/// Whose the pages of the nodes' 2 MiB pools are: an administrator's, and ours on top of them.
///
/// Linux has one number a node for both, nr_hugepages. An administrator who writes it knows nothing of the balloon, and
/// names the pages that they want for themselves. The kernel counts ours as some of them, dissolves the
/// administrator's, which are free, and makes what is used beyond the number surplus. So a number that was not written
/// by us is the administrator's, and the pool becomes that number and ours. Our own changes are recognised by the size
/// that each of them left.
package struct PoolShares: Equatable, Sendable {
    /// One node's pool, as the kernel shows it.
    package struct Pool: Equatable, Sendable {
        /// The pool's size: without its surplus pages. This is what a number written to nr_hugepages is compared with.
        package var persistent: Int
        package var surplus: Int
        package var free: Int

        package init(persistent: Int, surplus: Int = 0, free: Int) {
            self.persistent = persistent
            self.surplus = surplus
            self.free = free
        }
    }

    struct Share: Equatable, Sendable {
        /// The number that an administrator wrote last. Where none was seen: the pages that were not ours.
        var administrators: Int
        /// The pool's size as it was seen, or left by us.
        var expected: Int
        /// What the pool lacks of the administrator's number and our pages.
        var missing = 0
    }

    /// By Linux's number of the node.
    private(set) var shares: [Int: Share] = [:]

    package init() {}

    /// Whether anything is known of the pools.
    var hasBegun: Bool { !shares.isEmpty }
    /// Pages that are still to be put into the pools, by node.
    package var missing: [Int: Int] { shares.compactMapValues { $0.missing > 0 ? $0.missing : nil } }

    package func administrators(of node: Int) -> Int { shares[node]?.administrators ?? 0 }

    // MARK: Our own changes

    /// Whether a pool is as it was seen last, so that we may change it. If not, an administrator wrote a number that
    /// our own next write would overwrite.
    package func mayChange(_ node: Int, from persistent: Int) -> Bool {
        shares[node].map { $0.expected == persistent } ?? true
    }

    /// Notes the size that a write of ours left.
    package mutating func left(_ node: Int, at persistent: Int) { shares[node]?.expected = persistent }

    /// We put so many pages into a pool that lacked some, or made its surplus pages stay.
    package mutating func raised(_ node: Int, by pages: Int) {
        guard let share = shares[node] else { return }
        shares[node]?.missing = max(0, share.missing - max(0, pages))
    }

    // MARK: What an administrator wrote

    /// Nodes whose pools are not as they were seen, or left by us.
    /// - Parameter sizes: the pools' persistent pages.
    /// - Returns: those of them.
    func changed(_ sizes: [Int: Int]) -> [Int: Int] {
        sizes.filter { node, persistent in shares[node].map { $0.expected != persistent } ?? false }
    }

    /// Takes in what an administrator did to the pools.
    ///
    /// - Parameters:
    ///   - pools: all nodes', those without a balloon, too.
    ///   - ours: pages of ours in each.
    ///   - reserved: pages that programs mapped and have not touched yet, of all nodes (resv_hugepages).
    /// - Returns: the nodes whose numbers an administrator wrote.
    package mutating func take(_ pools: [Int: Pool], ours: [Int: Int], reserved: Int = 0) -> [Int] {
        var written: [Int] = []
        for node in changed(pools.mapValues(\.persistent)).keys.sorted() {
            guard let pool = pools[node], let share = shares[node] else { continue }
            if pool.persistent == share.expected - 1 {
                // No administrator writes one less than a sum that they do not know. A page broke, and the kernel took
                // it out.
                shares[node]?.administrators = max(0, share.administrators - 1)
                shares[node]?.expected = pool.persistent
            } else {
                written.append(node)
            }
        }
        let isSameNumber = isSameNumber(written, pools, ours, reserved)
        for node in written {
            guard let pool = pools[node], var share = shares[node] else { continue }
            if !isSameNumber { share.administrators = pool.persistent }
            share.expected = pool.persistent
            share.missing = max(0, share.administrators + (ours[node] ?? 0) - pool.persistent)
            shares[node] = share
        }
        return written
    }

    /// Whether an administrator wrote the same number for all nodes (vm.nr_hugepages) again: the pools together are as
    /// large as the administrator's parts were. Then each node keeps its part: the kernel spread the number by itself.
    ///
    /// Numbers for single nodes can have the same sum. But the kernel makes no page surplus while it can take a free
    /// one of any node, unless the number was for one node.
    private func isSameNumber(
        _ written: [Int], _ pools: [Int: Pool], _ ours: [Int: Int], _ reserved: Int
    ) -> Bool {
        guard !written.isEmpty else { return false }
        for node in written {
            guard let pool = pools[node], let share = shares[node], pool.persistent < share.expected,
                // We may have fewer pages now than when the number was written.
                pool.persistent <= share.administrators + (ours[node] ?? 0)
            else { return false }
        }
        let sum = pools.values.reduce(0) { $0 + $1.persistent }
        guard sum == shares.values.reduce(0, { $0 + $1.administrators }) else { return false }
        let hasSurplus = written.contains { (pools[$0]?.surplus ?? 0) > 0 }
        return !hasSurplus || pools.values.reduce(0) { $0 + $1.free } <= reserved
    }

    // MARK: Over a restart

    /// What an earlier process noted of a node.
    package struct Note: Equatable, Sendable {
        package var administrators: Int
        /// Pages of the pool's size that were not ours; below 0 where ours are surplus.
        package var others: Int
        package var missing: Int
    }

    /// Begins with the pools as they are, once it is known what is ours.
    ///
    /// - Parameters:
    ///   - notes: of the process before this one. Without one, all that is not ours is the administrator's.
    ///   - slack: so many pages of ours an interrupted move may have left in each pool.
    ///   - isSure: false where pages of ours left their files: then sizes do not show who wrote.
    /// - Returns: the nodes whose numbers an administrator wrote meanwhile.
    package mutating func begin(
        _ pools: [Int: Pool], ours: [Int: Int], notes: [Int: Note], slack: [Int: Int] = [:], isSure: Bool = true,
        reserved: Int = 0
    ) -> [Int] {
        shares = [:]
        for (node, pool) in pools {
            let mine = ours[node] ?? 0
            let others = pool.persistent - mine
            let note = notes[node] ?? Note(administrators: max(0, others), others: max(0, others), missing: 0)
            var share = Share(administrators: note.administrators, expected: pool.persistent)
            if isSure {
                let all = note.others + note.missing
                if others >= note.others && others <= all + (slack[node] ?? 0) {
                    share.missing = max(0, all - others)
                } else {
                    share.expected = note.others + mine
                }
            }
            shares[node] = share
        }
        return take(pools, ours: ours, reserved: reserved)
    }

    /// What the next process has to know, a line a node; the same for as long as only we change the pools.
    package func note(ours: [Int: Int]) -> String {
        shares.sorted { $0.key < $1.key }.map { node, share in
            let others = share.expected - (ours[node] ?? 0)
            return "\(node) \(share.administrators) \(others) \(share.missing)\n"
        }.joined()
    }

    /// Reads such lines. One that is none counts for nothing.
    package static func notes(_ text: String) -> [Int: Note] {
        var notes: [Int: Note] = [:]
        for line in text.split(separator: "\n") {
            let numbers = line.split(separator: " ").map { Int($0) }
            guard numbers.count == 4, let node = numbers[0], let administrators = numbers[1], let others = numbers[2],
                let missing = numbers[3], administrators >= 0, missing >= 0
            else { continue }
            notes[node] = Note(administrators: administrators, others: others, missing: missing)
        }
        return notes
    }
}

/// What is known of the pools, for all that change them in this process.
package final class PoolLedger {
    package var shares = PoolShares()

    package init() {}
}
