import Testing

@testable import VNodeBalloon

/// Linux's pools, with the rules of mm/hugetlb.c.
final class FakePools: PoolSource {
    struct Node {
        var total = 0
        var surplus = 0
        var free = 0
        var ours = 0
        /// How many pages the node could still add to the pool.
        var memory = 1000
        var persistent: Int { total - surplus }
    }
    var nodes: [Node]
    var promised = 0
    /// Before Linux 6.6, a number written for one node also counts the surplus pages of the other nodes.
    let isOld: Bool
    let ledger = PoolLedger()
    var slack: [Int: Int] = [:]
    private var turn = 0

    /// - Parameter shares: the administrator's free pages and the balloon's pages, by node.
    init(_ shares: [(free: Int, ours: Int)], isOld: Bool = true) {
        nodes = shares.map { Node(total: $0.free + $0.ours, free: $0.free, ours: $0.ours) }
        self.isOld = isOld
    }

    func sizes() -> [Int: Int] { look().mapValues(\.persistent) }
    func look() -> [Int: PoolShares.Pool] {
        var looks: [Int: PoolShares.Pool] = [:]
        for (node, pool) in nodes.enumerated() {
            looks[node] = PoolShares.Pool(persistent: pool.persistent, surplus: pool.surplus, free: pool.free)
        }
        return looks
    }
    func ours() -> [Int: Int] { Dictionary(uniqueKeysWithValues: nodes.enumerated().map { ($0, $1.ours) }) }
    func reserved() -> Int { promised }

    func fill(_ node: Int, by count: Int) {
        let start = nodes[node].persistent
        guard ledger.shares.mayChange(node, from: start) else { return }
        write(start + count, node: node)
        ledger.shares.left(node, at: nodes[node].persistent)
        ledger.shares.raised(node, by: nodes[node].persistent - start)
    }

    func setAll(_ count: Int) { change(to: count, Array(nodes.indices)) }

    func write(_ count: Int, node: Int) {
        let others = nodes.indices.filter { $0 != node }.reduce(0) {
            $0 + (isOld ? nodes[$1].total : nodes[$1].persistent)
        }
        change(to: count + others, [node])
    }

    private var persistent: Int { nodes.reduce(0) { $0 + $1.persistent } }

    /// set_max_huge_pages().
    private func change(to count: Int, _ allowed: [Int]) {
        while count > persistent, let node = next(allowed, { $0.surplus > 0 }) { nodes[node].surplus -= 1 }
        while count > persistent, let node = next(allowed, { $0.memory > 0 }) {
            nodes[node].memory -= 1
            nodes[node].total += 1
            nodes[node].free += 1
        }
        let used = nodes.reduce(0) { $0 + $1.total - $1.free }
        while max(count, promised + used) < persistent, let node = next(allowed, { $0.free > 0 }) {
            nodes[node].memory += 1
            nodes[node].total -= 1
            nodes[node].free -= 1
        }
        while count < persistent, let node = next(allowed, { $0.surplus < $0.total }) { nodes[node].surplus += 1 }
    }

    private func next(_ allowed: [Int], _ isRight: (Node) -> Bool) -> Int? {
        for step in 0..<nodes.count {
            let node = (turn + step) % nodes.count
            guard allowed.contains(node), isRight(nodes[node]) else { continue }
            turn = node + 1
            return node
        }
        return nil
    }
}

/// One number with two owners: the number that an administrator writes is theirs, and the balloon's pages come on top.
@Suite struct NodePoolsTests {
    private func begun(_ source: FakePools, _ note: String = "") throws -> NodePools {
        let pools = NodePools(source, ledger: source.ledger)
        _ = try pools.begin(notes: PoolShares.notes(note), isSure: true)
        return pools
    }

    /// Checks the pools until nothing changes, and corrects what has to be corrected.
    private func settle(_ pools: NodePools, room: Int = 1000) throws -> [Int] {
        var written: [Int] = []
        loop: while true {
            switch try pools.look() {
            case .same: break loop
            case .changing: continue
            case .written(let nodes): written += nodes
            }
        }
        while try pools.fill(most: 16, room: [0: room, 1: room]) {}
        #expect(try pools.look() == .same, "what we changed is nobody else's")
        return written
    }

    @Test(arguments: [true, false])
    func `the same number written for all nodes leaves each node its free pages`(isOld: Bool) throws {
        let source = FakePools([(20, 32), (30, 32)], isOld: isOld)
        let pools = try begun(source)
        source.setAll(50)
        #expect(source.nodes.map(\.free) == [0, 0], "the kernel dissolves what is the administrator's")
        #expect(source.nodes.reduce(0) { $0 + $1.surplus } == 14)
        #expect(try settle(pools) == [0, 1])
        #expect(source.nodes.map(\.free) == [20, 30])
        #expect(source.nodes.map(\.total) == [52, 62])
        #expect(source.nodes.map(\.surplus) == [0, 0])
        #expect(pools.shares.missing.isEmpty)
    }

    /// The balloon is emptied before the daemon sees the number. The number was written for a pool
    /// with the balloon's pages.
    @Test func `a number written just before the balloon is emptied counts without the balloon's pages`() throws {
        let source = FakePools([(20, 32), (30, 32)])
        let pools = try begun(source)
        source.setAll(50)
        for node in [0, 1] {
            let freed = source.nodes[node].ours - source.nodes[node].surplus
            (source.nodes[node].ours, source.nodes[node].free) = (0, freed)
            (source.nodes[node].total, source.nodes[node].surplus) = (freed, 0)
        }
        _ = try settle(pools)
        #expect(source.nodes.reduce(0) { $0 + $1.free } == 50)
        #expect(source.nodes.reduce(0) { $0 + $1.total } == 50)
    }

    @Test(arguments: [true, false])
    func `another number written for all nodes counts without the balloon's pages`(isOld: Bool) throws {
        let source = FakePools([(20, 32), (30, 32)], isOld: isOld)
        let pools = try begun(source)
        for (number, free) in [(60, 60), (0, 0), (200, 200), (6, 6)] {
            source.setAll(number)
            _ = try settle(pools)
            #expect(source.nodes.reduce(0) { $0 + $1.free } == free, "\(number)")
            #expect(source.nodes.reduce(0) { $0 + $1.total } == number + 64, "\(number)")
            #expect(source.nodes.map(\.surplus) == [0, 0], "\(number)")
        }
    }

    @Test(arguments: [true, false]) func `a number written for one node changes that node only`(isOld: Bool) throws {
        let source = FakePools([(20, 32), (30, 32)], isOld: isOld)
        let pools = try begun(source)
        source.write(8, node: 0)
        #expect(try settle(pools) == [0])
        #expect(source.nodes.map(\.free) == [8, 30])
        source.write(90, node: 1)
        #expect(try settle(pools) == [1])
        #expect(source.nodes.map(\.free) == [8, 90])
        #expect(source.nodes.map(\.total) == [40, 122])
    }

    /// The sum is the old one, but the nodes' numbers are not.
    @Test func `numbers for both nodes that add up to the old total are followed on each node`() throws {
        let source = FakePools([(20, 32), (30, 32)], isOld: false)
        let pools = try begun(source)
        source.write(10, node: 0)
        source.write(40, node: 1)
        #expect(try settle(pools) == [0, 1])
        #expect(source.nodes.map(\.free) == [10, 40])
        #expect([0, 1].map(pools.shares.administrators) == [10, 40])
    }

    @Test func `the balloon's own changes of a pool are not taken for an administrator's number`() throws {
        let source = FakePools([(20, 0), (0, 0)])
        let pools = try begun(source)
        source.write(24, node: 0)
        source.ledger.shares.left(0, at: 24)
        (source.nodes[0].free, source.nodes[0].ours) = (20, 4)
        #expect(try settle(pools).isEmpty)
        #expect(pools.shares.administrators(of: 0) == 20)
        source.setAll(21)
        #expect(!pools.shares.mayChange(0, from: source.nodes[0].persistent), "nothing of ours before it is seen")
        _ = try settle(pools)
        #expect(source.nodes[0].total == 25 && source.nodes[0].free == 21)
    }

    /// The kernel may take seconds to reach a number. What the pool has meanwhile is not the administrator's number.
    @Test func `a number that the kernel is still reaching is waited for`() throws {
        let source = FakePools([(0, 32), (0, 0)])
        let pools = try begun(source)
        source.write(40, node: 0)
        #expect(try pools.look() == .changing)
        source.write(100, node: 0)
        #expect(try pools.look() == .changing)
        #expect(try pools.look() == .written([0]))
        #expect(pools.shares.missing == [0: 32])
    }

    /// Pages that a program has mapped are promised to it. The kernel keeps them in the pool,
    /// whatever number is written.
    @Test func `pages reserved by a program stay in the pool, and the administrator's number is reached`() throws {
        let source = FakePools([(20, 32), (30, 32)])
        let pools = try begun(source)
        source.promised = 12
        source.setAll(50)
        #expect(source.nodes.reduce(0) { $0 + $1.free } == 12)
        _ = try settle(pools)
        #expect(source.nodes.map(\.free) == [20, 30])
        #expect(source.nodes.map(\.surplus) == [0, 0])
    }

    @Test func `a page that breaks in a pool lowers the administrator's number`() throws {
        let source = FakePools([(20, 32), (30, 32)])
        let pools = try begun(source)
        (source.nodes[0].total, source.nodes[0].free) = (51, 19)
        #expect(try settle(pools).isEmpty)
        #expect(source.nodes[0].total == 51)
        #expect(pools.shares.administrators(of: 0) == 19)
    }

    /// First the surplus pages become persistent. New pages come only as far as the guard leaves memory,
    /// and the rest comes later.
    @Test func `a pool gets only what the guard leaves, and the rest later`() throws {
        let source = FakePools([(20, 32), (30, 32)])
        let pools = try begun(source)
        source.setAll(50)
        _ = try settle(pools, room: 0)
        #expect(source.nodes.map(\.surplus) == [0, 0])
        #expect(source.nodes.map(\.free) == [0, 0])
        #expect(pools.shares.missing.values.reduce(0, +) == 50)
        #expect(try !pools.fill(most: 16, room: [:]), "nothing is known of the nodes' memory")
        _ = try settle(pools)
        #expect(source.nodes.map(\.free) == [20, 30])
    }

    // MARK: Across a restart

    @Test func `a number written while no daemon ran counts after the restart`() throws {
        let source = FakePools([(20, 32), (30, 32)])
        let note = try begun(source).note()
        #expect(note == "0 20 20 0\n1 30 30 0\n")
        source.write(5, node: 1)
        let pools = try begun(source, note)
        _ = try settle(pools)
        #expect(source.nodes.map(\.free) == [20, 5])
    }

    /// The next process goes on. It does not take a half corrected pool for an administrator's number.
    @Test func `a process killed while it puts a pool right is followed by one that goes on`() throws {
        let source = FakePools([(20, 32), (30, 32)])
        let first = try begun(source)
        source.setAll(50)
        #expect(try first.look() == .changing)
        #expect(try first.look() == .written([0, 1]))
        let note = try first.note()
        _ = try first.fill(most: 7, room: [0: 1000, 1: 1000])
        let second = try begun(source, note)
        #expect(second.shares.missing.values.reduce(0, +) == 43)
        #expect(try settle(second).isEmpty)
        #expect(source.nodes.map(\.free) == [20, 30])
    }

    /// Nor are pages that another program removed from the file.
    @Test func `pages that an interrupted move left are not taken for an administrator's number`() throws {
        let source = FakePools([(20, 32), (30, 32)])
        let note = try begun(source).note()
        (source.nodes[0].total, source.nodes[0].free) = (56, 24)
        source.slack = [0: 16]
        let pools = try begun(source, note)
        #expect(try settle(pools).isEmpty)
        #expect(pools.shares.administrators(of: 0) == 20)
        source.slack = [:]
        let other = NodePools(source, ledger: source.ledger)
        #expect(try other.begin(notes: PoolShares.notes(note), isSure: false).isEmpty)
        #expect(pools.shares.missing.isEmpty)
    }

    /// The surplus is from before the first check, and no note says whose it is.
    @Test func `without a note the surplus pages count for the administrator's number`() throws {
        let source = FakePools([(20, 32), (30, 32)])
        source.setAll(50)
        let pools = try begun(source)
        _ = try settle(pools)
        #expect(source.nodes.reduce(0) { $0 + $1.free } == 50)
        #expect(source.nodes.map(\.surplus) == [0, 0])
    }

    @Test func `a note of a pool that makes no sense is ignored`() {
        #expect(PoolShares.notes("0 1 2 3\n").count == 1)
        for line in ["0 1 2", "0 1 2 3 4", "0 -1 2 3", "a 1 2 3", "0 1 2 99999999999999999999", ""] {
            #expect(PoolShares.notes(line).isEmpty, "\(line)")
        }
    }
}
