internal import CBalloonShim
internal import Glibc

/// The kernel's pool of 2 MiB pages on one node
/// (/sys/devices/system/node/node<n>/hugepages/hugepages-2048kB).
struct HugePagePool: PagePool {
    let node: Int
    private let totalFile, freeFile, surplusFile: KeptFile
    /// The same as `totalFile`; reading needs no right to write.
    private let askedFile: KeptFile
    /// Of all nodes together.
    private let allSurplusFile = KeptFile("/sys/kernel/mm/hugepages/hugepages-2048kB/surplus_hugepages")

    /// Opens all that a release needs: it must not find that no more files can be opened.
    /// - Throws: `.noHugePages` where the kernel has no such pool; `.descriptors`.
    init(node: Int) throws(BalloonError) {
        self.node = node
        let directory = "/sys/devices/system/node/node\(node)/hugepages/hugepages-2048kB"
        totalFile = KeptFile(directory + "/nr_hugepages")
        askedFile = KeptFile(directory + "/nr_hugepages", .write)
        freeFile = KeptFile(directory + "/free_hugepages")
        surplusFile = KeptFile(directory + "/surplus_hugepages")
        do {
            _ = try total()
        } catch {
            guard error.errno == ENOENT else { throw error }
            throw BalloonError(
                .noHugePages, "the kernel has no pool of 2 MiB pages on node \(node): it needs CONFIG_HUGETLBFS",
                errno: error.errno)
        }
        for file in [freeFile, surplusFile, askedFile, allSurplusFile] { try file.openNow() }
    }

    /// The pools of all nodes.
    static func all() throws(BalloonError) -> [HugePagePool] {
        let list: [UInt8]
        do throws(BalloonError) { list = try readFile("/sys/devices/system/node/online", limit: 4096) } catch {
            if error.code == .descriptors { throw error }
            throw BalloonError(.noHugePages, "the kernel has no NUMA", errno: error.errno)
        }
        var pools: [HugePagePool] = []
        for node in nodes(list) {
            // A node without memory has no pool. One that cannot be asked is not left out.
            do throws(BalloonError) { pools.append(try HugePagePool(node: node)) } catch {
                if error.code != .noHugePages { throw error }
            }
        }
        return pools
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

    /// Pages in the pool that nobody has.
    func free() throws(BalloonError) -> Int { try freeFile.readNumber() }

    /// One write asks for so many pages at most: the kernel may look for them for long.
    private static let mostAtOnce = 4

    /// Grows the pool by up to `count` pages: as many as the kernel finds, and only what is free afterwards counts,
    /// because another user may have taken some already.
    func grow(by count: Int) throws(BalloonError) -> PoolGrowth {
        let (free, start) = (try free(), try persistent())
        var (asked, reached) = (0, start)
        while asked < count, try isOwnSurplusAll() {
            let wanted = reached + min(count - asked, Self.mostAtOnce)
            asked += wanted - reached
            try set(wanted)
            // Read again each time: others may change the pool, too.
            reached = try persistent()
            // What the kernel did not find is not asked for again.
            if reached < wanted { break }
        }
        // What another user gave back meanwhile is free, too, but not ours.
        let count = Self.count(asked: asked, grown: reached - start, freeBefore: free, freeAfter: try self.free())
        if count.leftOver > 0, try isOwnSurplusAll() { try shrink(by: count.leftOver) }
        return PoolGrowth(pages: count.ours, freeBefore: free)
    }

    /// What a growth of the pool means when others use it, too.
    ///
    /// - Returns: `ours`: free pages that we may use. `leftOver`: pages that another user took while there were free ones of
    ///   its own, so that as many of those are free beyond what it had.
    static func count(asked: Int, grown: Int, freeBefore: Int, freeAfter: Int) -> (ours: Int, leftOver: Int) {
        let grown = max(0, min(asked, grown))
        let ours = max(0, min(grown, freeAfter - freeBefore))
        return (ours, min(grown - ours, freeBefore))
    }

    /// Takes up to `count` free pages out of the pool.
    func shrink(by count: Int) throws(BalloonError) {
        guard count > 0 else { return }
        // Below what is in use the kernel would turn pages into surplus ones; never ask for that.
        try set(try persistent() - min(count, try free()))
    }

    /// What the kernel compares a written number with: surplus pages of others do not count.
    private func persistent() throws(BalloonError) -> Int {
        try total() - surplus()
    }

    /// Pages beyond the pool's size, which others allocated on demand (nr_overcommit_hugepages).
    private func surplus() throws(BalloonError) -> Int { try surplusFile.readNumber() }

    /// Before Linux 6.6 a write to one node counts the surplus pages of all others in: it would grow by more. Asked right
    /// before each write, as others may allocate some at any time.
    private func isOwnSurplusAll() throws(BalloonError) -> Bool {
        try surplus() == allSurplusFile.readNumber()
    }

    private func set(_ total: Int) throws(BalloonError) {
        do {
            try askedFile.writeNumber(total)
        } catch {
            // A pool that cannot grow is an answer, too: the caller reads back what there is.
            if error.errno != ENOMEM && error.errno != EINTR { throw error }
        }
    }
}
