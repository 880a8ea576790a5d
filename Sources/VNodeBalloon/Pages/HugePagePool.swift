internal import CBalloonShim
internal import Glibc

/// The kernel's pool of 2 MiB pages on one node
/// (/sys/devices/system/node/node<n>/hugepages/hugepages-2048kB).
struct HugePagePool: PagePool {
    let node: Int
    private let totalFile, freeFile, surplusFile: ProcFile
    /// The same as `totalFile`; reading needs no right to write.
    private let askedFile: ProcFile
    private let all: HugePagePools
    /// What this process knows of the pools.
    private var ledger: PoolLedger { all.ledger }

    /// Opens all that a release needs: it must not find that no more files can be opened.
    /// - Throws: `.noHugePages` where the kernel has no such pool; `.descriptors`.
    fileprivate init(node: Int, _ all: HugePagePools) throws(BalloonError) {
        self.node = node
        self.all = all
        let directory = Self.directory(of: node)
        totalFile = ProcFile(directory + "/nr_hugepages")
        askedFile = ProcFile(directory + "/nr_hugepages", .write)
        freeFile = ProcFile(directory + "/free_hugepages")
        surplusFile = ProcFile(directory + "/surplus_hugepages")
        do {
            _ = try total()
        } catch {
            guard error.errno == ENOENT else { throw error }
            throw BalloonError(
                .noHugePages, "the kernel has no pool of 2 MiB pages on node \(node): it needs CONFIG_HUGETLBFS",
                errno: error.errno)
        }
        for file in [freeFile, surplusFile, askedFile] { try file.openNow() }
    }

    fileprivate static func directory(of node: Int) -> String {
        "/sys/devices/system/node/node\(node)/hugepages/hugepages-2048kB"
    }

    /// Linux has no more of them (CONFIG_NODES_SHIFT).
    static let mostNodes = Int(CB_MAX_NODES)

    /// The numbers of a list as sysfs writes them: `0-1,3`. What is no number, or too large, is left out.
    static func nodes(_ list: [UInt8]) -> [Int] {
        let parts = String(decoding: list, as: UTF8.self).split { ",\n".contains($0) }
        return parts.flatMap { part -> [Int] in
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, 0 <= first,
                first <= last, last < mostNodes
            else { return [] }
            return Array(first...last)
        }
    }

    /// Pages in the pool, used ones included.
    func total() throws(BalloonError) -> Int { try totalFile.readNumber() }

    /// Free pages in the pool.
    func free() throws(BalloonError) -> Int { try freeFile.readNumber() }

    /// One write asks for so many pages at most: the kernel may look for them for long.
    private static let mostAtOnce = 4

    /// Grows the pool by up to `count` pages: as many as the kernel finds. Only what is free afterwards counts, because
    /// another program may have taken some already. Grows nothing while an administrator's number waits to be seen.
    func grow(by count: Int) throws(BalloonError) -> PoolGrowth {
        let (free, start) = (try free(), try persistent())
        guard ledger.shares.mayChange(node, from: start) else { return PoolGrowth(pages: 0, freeBefore: free) }
        let (asked, reached) = try raise(from: start, by: count)
        // Pages that another program gave back meanwhile are free, too, but not ours.
        let count = Self.count(asked: asked, grown: reached - start, freeBefore: free, freeAfter: try self.free())
        if count.leftOver > 0, try isOwnSurplusAll() { try shrink(by: count.leftOver) }
        return PoolGrowth(pages: count.ours, freeBefore: free)
    }

    /// Puts up to `count` pages into the pool, a few a write.
    private func raise(from start: Int, by count: Int) throws(BalloonError) -> (asked: Int, reached: Int) {
        var (asked, reached) = (0, start)
        while asked < count, try isOwnSurplusAll() {
            let (before, wanted) = (reached, reached + min(count - asked, Self.mostAtOnce))
            asked += wanted - before
            try set(wanted)
            // Read again each time: other programs may change the pool, too.
            reached = try persistent()
            // A size outside of this range was written by an administrator: `left` then differs from the size, and the
            // next look sees it.
            ledger.shares.left(node, at: before...wanted ~= reached ? reached : wanted)
            // The kernel is not asked again for pages that it did not find.
            if reached != wanted { break }
        }
        return (asked, reached)
    }

    /// Puts up to `count` pages into a pool that lacks them.
    func fill(by count: Int) throws(BalloonError) {
        let start = try persistent()
        guard ledger.shares.mayChange(node, from: start) else { return }
        ledger.shares.raised(node, by: try raise(from: start, by: count).reached - start)
    }

    /// What a growth of the pool means when other programs use it, too.
    ///
    /// - Returns: `ours`: free pages that we may use. `leftOver`: pages that another user took while there were free ones of
    ///   its own, so that as many of those are free beyond what it had.
    static func count(asked: Int, grown: Int, freeBefore: Int, freeAfter: Int) -> (ours: Int, leftOver: Int) {
        let grown = max(0, min(asked, grown))
        let ours = max(0, min(grown, freeAfter - freeBefore))
        return (ours, min(grown - ours, freeBefore))
    }

    /// Takes up to `count` free pages out of the pool. Takes none while an administrator's number waits to be seen:
    /// they count for that number.
    func shrink(by count: Int) throws(BalloonError) {
        guard count > 0 else { return }
        let now = try persistent()
        guard ledger.shares.mayChange(node, from: now) else { return }
        // Below what is in use, or promised to a program that has mapped it, the kernel would turn pages into surplus ones;
        // never ask for that.
        let idle = try all.idle()
        let wanted = now - min(count, try free(), idle)
        guard wanted < now else { return }
        try set(wanted)
        var reached = try persistent()
        // The kernel added the surplus pages of other nodes to the number: so many fewer are written. This is done
        // only once it was seen.
        let others = try all.surplus() - surplus()
        if reached > wanted, others > 0, others <= wanted {
            try set(wanted - others)
            reached = try persistent()
        }
        ledger.shares.left(node, at: wanted...max(now, wanted + others) ~= reached ? reached : wanted)
    }

    /// What the kernel shows of the pool.
    func look() throws(BalloonError) -> PoolShares.Pool {
        let persistent = try persistent()
        return PoolShares.Pool(persistent: persistent, surplus: try surplus(), free: try free())
    }

    /// The size that the kernel compares a written number with: surplus pages do not count.
    func persistent() throws(BalloonError) -> Int {
        var surplus = try surplus()
        // Two files. When a program takes or frees a surplus page in between, both are read again.
        for _ in 0..<8 {
            let (total, again) = (try total(), try self.surplus())
            if again == surplus { return total - surplus }
            surplus = again
        }
        return try total() - surplus
    }

    /// Pages beyond the pool's size, which other programs allocated on demand (nr_overcommit_hugepages), or which were
    /// in use when the pool was made smaller.
    private func surplus() throws(BalloonError) -> Int { try surplusFile.readNumber() }

    /// Before Linux 6.6 a write to one node counts the surplus pages of all others in: it would grow by more. Asked right
    /// before each write, as others may allocate some at any time.
    private func isOwnSurplusAll() throws(BalloonError) -> Bool {
        try surplus() == all.surplus()
    }

    private func set(_ total: Int) throws(BalloonError) {
        do {
            try askedFile.writeNumber(total)
        } catch {
            // A pool that cannot grow is no error: the caller reads back its size.
            if error.errno != ENOMEM && error.errno != EINTR { throw error }
        }
    }
}

/// The kernel's pools of 2 MiB pages of all nodes: one of each in a process, and what they have in common.
final class HugePagePools {
    let ledger = PoolLedger()
    private let surplusFile = ProcFile(directory + "/surplus_hugepages")
    private let freeFile = ProcFile(directory + "/free_hugepages")
    private let reservedFile = ProcFile(directory + "/resv_hugepages")
    private let askedFile = ProcFile(directory + "/nr_hugepages", .write)
    private var made: [Int: HugePagePool] = [:]

    private static let directory = "/sys/kernel/mm/hugepages/hugepages-2048kB"

    /// Opens what a release needs, and what puts a pool right.
    /// - Throws: `.descriptors`.
    init() throws(BalloonError) {
        for file in [surplusFile, freeFile, reservedFile, askedFile] { try file.openNow() }
    }

    /// - Throws: `.noHugePages` where the node has no such pool; `.descriptors`.
    func pool(of node: Int) throws(BalloonError) -> HugePagePool {
        if let pool = made[node] { return pool }
        let pool = try HugePagePool(node: node, self)
        made[node] = pool
        return pool
    }

    /// The pools of all nodes.
    /// - Throws: `.noHugePages`, `.descriptors`.
    func all() throws(BalloonError) -> [HugePagePool] {
        var pools: [HugePagePool] = []
        for node in try Self.nodes() {
            // A node without memory has no pool. One that cannot be asked is not left out.
            do throws(BalloonError) { pools.append(try pool(of: node)) } catch {
                if error.code != .noHugePages { throw error }
            }
        }
        return pools
    }

    /// - Throws: `.noHugePages`, `.descriptors`.
    private static func nodes() throws(BalloonError) -> [Int] {
        do throws(BalloonError) {
            return HugePagePool.nodes(try readFile("/sys/devices/system/node/online", limit: 4096))
        } catch {
            if error.code == .descriptors { throw error }
            throw BalloonError(.noHugePages, "the kernel has no NUMA", errno: error.errno)
        }
    }

    /// All files that a program may write a pool's size to.
    /// - Throws: `.noHugePages`, `.descriptors`.
    static func numberFiles() throws(BalloonError) -> [String] {
        let all = ["nr_hugepages", "nr_hugepages_mempolicy"]
        return all.map { "/proc/sys/vm/\($0)" } + all.map { "\(directory)/\($0)" }
            + (try nodes()).map { "\(HugePagePool.directory(of: $0))/nr_hugepages" }
    }

    func surplus() throws(BalloonError) -> Int { try surplusFile.readNumber() }

    /// Pages that programs mapped and have not touched yet.
    func reserved() throws(BalloonError) -> Int { try reservedFile.readNumber() }

    /// Free pages that no program was promised.
    func idle() throws(BalloonError) -> Int { max(0, try freeFile.readNumber() - reserved()) }

    /// Writes the number of all nodes.
    func set(_ count: Int) throws(BalloonError) { try askedFile.writeNumber(count) }
}
