/// The pages of one vnode: a hugetlbfs file of our own, its pins, and its share of the node's pool.
public final class PinnedPages: PageReserve {
    let vnode: Int
    let node: Int?
    let kernel: any PageKernel
    /// nil: it was not looked for yet, or the holder does not say whether it keeps a file that lost its name.
    var file: SlotFile?
    let keeper: any DescriptorKeeper
    /// This process only reads: pins, and what the holder keeps, stay as they are.
    public let isReading: Bool
    /// One for each chunk of 64 slots, the last one perhaps not full, and open.
    var pins: [Pin] = []
    /// Has pages only while another pin is rewritten. The holder keeps it like the others.
    var spare: Pin?
    /// The chunk whose pin is being rewritten, or was when that broke off.
    var rewritten: Int?
    private var isKept = false
    /// Slots whose page another program took, or that were punched out. No page is faulted in there: it would be one
    /// that an administrator set aside.
    var empty: Set<Int> = []
    /// Slots with a page that could not be pinned: the kernel maps it no more, and it lost its pin.
    var unpinned: Set<Int> = []
    /// The names at the keeper that tell the next process of them.
    var bareNames: Set<String> = []
    /// Names of pins that stay because pages of theirs are in no slot any more, and may be holes. How many such pages
    /// earlier processes left.
    var asidePins: [(name: String, pin: Pin)] = []
    /// Names that the keeper was asked to keep such pins under.
    var triedAside: Set<String> = []
    /// Pages were lost whose old pins have no such copy yet.
    var mustPutAside = false
    /// The slots of the lost pages.
    var goneSlots: Set<Int> = []
    /// Pages that left the file and did not come free, because a lost pin has them, too.
    var leftInPool = 0
    public internal(set) var strayPins = 0
    public internal(set) var strayPages = 0
    /// What a recovery has seen so far. Old pins stay until all new ones are there, and were seen to be whole.
    var recovery = PinRecovery()
    public internal(set) var slotCount = 0

    /// Nothing is looked for, mapped or pinned before ``beginRecovery()``.
    ///
    /// - Parameter node: Linux's number of the node that lies in the vnode's memory. nil where there is none: then what
    ///   is there can be freed, and nothing be acquired.
    /// - Parameter isReading: nothing is going to be moved, so no pin is touched.
    /// - Throws: `.noHugePages`, `.descriptors`, `.system`.
    public convenience init(
        vnode: Int, node: Int?, mount: HugePageMount, keeper: any DescriptorKeeper, isReading: Bool = false
    ) throws(BalloonError) {
        try self.init(
            vnode: vnode, node: node, mount: mount, keeper: keeper, pools: HugePagePools(), isReading: isReading)
    }

    /// The same beside other vnodes' pages.
    convenience init(
        vnode: Int, node: Int?, mount: HugePageMount, keeper: any DescriptorKeeper, pools: HugePagePools,
        isReading: Bool
    ) throws(BalloonError) {
        let kernel = try LinuxPages(vnode: vnode, node: node, mount: mount.root, in: pools)
        self.init(vnode: vnode, node: node, kernel, keeper: keeper, isReading: isReading)
    }

    /// The same on another kernel.
    package init(
        vnode: Int, node: Int?, _ kernel: any PageKernel, keeper: any DescriptorKeeper, isReading: Bool = false
    ) {
        self.vnode = vnode
        self.node = node
        self.kernel = kernel
        self.keeper = keeper
        self.isReading = isReading
    }

    private var pools: [any PagePool] { kernel.pools }

    /// The vnode's file, once it was found.
    func openFile() throws(BalloonError) -> SlotFile {
        if let file { return file }
        throw BalloonError(.looking, "the balloon's file was not looked at yet", vnode: vnode)
    }

    public func foreignPoolPages() throws(BalloonError) -> Int {
        var total = -(try openFile().contents().pages)
        for pool in pools { total += try pool.total() }
        return total
    }

    /// Pages of ours that the pools count: those in the file, and those that left it and are pinned.
    func poolPages() throws(BalloonError) -> Int { try (file?.contents().pages ?? 0) + leftInPool + strayPages }

    public func removeFromPool(_ pages: Int) throws(BalloonError) {
        var left = pages
        for pool in pools where left > 0 {
            let taken = min(left, try pool.free())
            try pool.shrink(by: taken)
            left -= taken
        }
    }

    // MARK: The file

    public func lookAtFile() throws(BalloonError) -> FoundFile {
        guard let file else { return FoundFile(slots: 0, pages: 0, name: .ours, strayPins: 0) }
        let contents = try file.contents()
        return FoundFile(slots: contents.slots, pages: contents.pages, name: try file.name(), strayPins: strayPins)
    }

    public func renew() throws(BalloonError) {
        let old = try openFile()
        guard try old.contents().slots == 0 else {
            throw BalloonError(.moved, "the balloon's old file is not empty", vnode: vnode)
        }
        let new = try SlotFile.find(vnode: vnode, kernel, keeper)
        try unpin(keeping: 0)
        keeper.drop(spareName)
        keeper.drop(old.keptName)
        keeper.drop("mount.\(old.inode)")
        for name in bareNames { keeper.drop(name) }
        bareNames = []
        (isKept, spare) = (false, nil)
        file = new
        slotCount = try new.contents().slots
        (empty, unpinned) = ([], [])
    }

    /// The file, the mount and the spare pin outlive us, too.
    func keepFile() throws(BalloonError) {
        if isKept { return try keeper.restoreIfLost() }
        let file = try openFile()
        try keeper.keep("mount.\(file.inode)", kernel.mount)
        try keeper.keep(file.keptName, file.descriptor)
        isKept = true
    }

    // MARK: Growing

    public func acquire(_ count: Int) throws(BalloonError) -> [UInt64] {
        guard let node, let pool = pools.first else { return [] }
        try checkMayMove()
        let file = try openFile()
        try keepFile()
        try keepSpare()
        try settleSpare()
        let growth = try grow(pool, by: count)
        let grown = growth.pages
        guard grown > 0 else { return [] }
        let first = slotCount
        do throws(BalloonError) {
            try file.resize(to: first + grown)
            let slots = first..<first + grown
            let frames = try file.withMapping(of: slots, for: .filling(node: node)) {
                (mapping) throws(BalloonError) in try fill(mapping)
            }
            slotCount = first + frames.count
            // Slots without a page are cut off again: there is nothing in them to free.
            if frames.count < grown { try file.resize(to: slotCount) }
            let left = try pool.free() - growth.freeBefore
            try pool.shrink(by: grown - frames.count)
            if frames.isEmpty && left >= grown { throw limited() }
            return frames
        } catch {
            // None of the new pages was given, so all of them are RAM. Whatever fails, the rest is still done. But only
            // what is free again leaves the pool: other programs' pages must stay.
            slotCount = first
            // Pages that cannot be unpinned stay in the file: the next recovery frees them.
            if (try? unpin(keeping: first, hasMore: true)) != nil, (try? file.resize(to: first)) != nil,
                let left = try? pool.free()
            {
                try? pool.shrink(by: max(0, min(grown, left - growth.freeBefore)))
            }
            throw error
        }
    }

    /// After an error the pages that the pool grew by leave it again.
    private func grow(_ pool: any PagePool, by count: Int) throws(BalloonError) -> PoolGrowth {
        let before = try pool.free()
        do throws(BalloonError) { return try pool.grow(by: count) } catch {
            if let left = try? pool.free() { try? pool.shrink(by: max(0, min(count, left - before))) }
            throw error
        }
    }

    /// The pool has pages, but a cgroup keeps this process from them.
    private func limited() -> BalloonError {
        BalloonError(
            .cgroup, "the hugetlb cgroup of this process lets it have no more 2 MiB pages (hugetlb.2MB.max)",
            vnode: vnode)
    }

    /// Faults, pins and reads slots in this order: a page may be migrated until it is pinned.
    private func fill(_ mapping: any SlotMapping) throws(BalloonError) -> [UInt64] {
        var end = mapping.slots.lowerBound
        while end < mapping.slots.upperBound, try mapping.populateForWriting(end) { end += 1 }
        let faulted = mapping.slots.lowerBound..<end
        try pin(faulted, in: mapping)
        var frames: [UInt64] = []
        frames.reserveCapacity(faulted.count)
        for slot in faulted {
            switch try mapping.newFrame(of: slot) {
            case .success(let gfn): frames.append(gfn)
            case .failure(let fault):
                throw BalloonError(.moved, "a new huge page is not one aligned extent: \(fault)", vnode: vnode)
            }
        }
        return frames
    }

    // MARK: Reading and shrinking

    public func pages(of slots: Range<Int>) throws(BalloonError) -> [SlotPage] {
        let file = try openFile()
        // Mapping beyond the end would lengthen the file again.
        let contents = try file.contents()
        let there = slots.clamped(to: 0..<contents.slots)
        let none = [SlotPage](repeating: .none, count: slots.count - there.count)
        if there.isEmpty { return none }
        return try file.withMapping(of: there, for: .looking(node: node)) { (mapping) throws(BalloonError) in
            var pages: [SlotPage] = []
            pages.reserveCapacity(slots.count)
            // Where no page is missing none can be made by looking.
            let isWhole = contents.pages == contents.slots ? try mapping.populateAllForReading() : false
            for slot in there {
                pages.append(try isWhole ? known(slot, mapping) : page(of: slot, mapping))
            }
            return pages + none
        }
    }

    /// A slot's page as it was before this call: looking for a missing page makes one.
    private func page(of slot: Int, _ mapping: any SlotMapping) throws(BalloonError) -> SlotPage {
        if empty.contains(slot) { return .none }
        let pages = try openFile().contents().pages
        switch try mapping.look(slot) {
        case .none: return .none
        case .broken: return .unreadable
        case .mapped: break
        }
        if pages < slotCount - empty.count, try openFile().contents().pages > pages { return .none }
        return try known(slot, mapping)
    }

    /// The page of a slot that is mapped for reading.
    private func known(_ slot: Int, _ mapping: any SlotMapping) throws(BalloonError) -> SlotPage {
        guard !empty.contains(slot), case .success(let gfn) = try mapping.frame(of: slot) else { return .none }
        return .extent(gfn)
    }

    public func release(keeping slots: Int) throws(BalloonError) {
        guard slots < slotCount else { return }
        try checkMayMove()
        // An empty slot's page is in the pool already, or was never there.
        let removed = (slots..<slotCount).count { !empty.contains($0) }
        let file = try openFile()
        try cutEmptyEnd(file, keeping: slots)
        try unpin(keeping: slots)
        let before = freePages()
        try file.resize(to: slots)
        slotCount = slots
        empty = empty.filter { $0 < slots }
        unpinned = unpinned.filter { $0 < slots }
        let taken = shrinkPools(from: before, atMost: removed)
        if !asidePins.isEmpty { leftInPool += removed - taken }
    }

    /// Empty slots at the end, which an interrupted growth left, go before a pin is rewritten. A process that is killed in the
    /// rewrite would leave a chunk with empty slots, and the next one could not tell whose pages the spare pin has.
    private func cutEmptyEnd(_ file: SlotFile, keeping slots: Int) throws(BalloonError) {
        var end = slotCount
        while end > slots, empty.contains(end - 1) { end -= 1 }
        guard end < slotCount else { return }
        try file.resize(to: end)
        slotCount = end
        empty = empty.filter { $0 < end }
    }

    public func punch(_ slots: [Int]) throws(BalloonError) {
        try checkMayMove()
        let file = try openFile()
        for slot in slots {
            let before = freePages()
            try makeWhole(chunkOf: slot)
            // The pin goes last. A kill in between leaves a pin with a page more than the file has in its chunk, and such a
            // pin stays aside in doubt. The other way round it would have one less, which could make up for a page that
            // another program takes out of the file before the next start.
            try file.punch(slot)
            defer { empty.insert(slot) }
            try unpin(slot)
            let taken = shrinkPools(from: before, atMost: 1)
            if !asidePins.isEmpty { leftInPool += 1 - taken }
        }
    }

    private func checkMayMove() throws(BalloonError) {
        if isReading { throw BalloonError(.system, "what only looks moves nothing", vnode: vnode) }
    }

    func freePages() -> [Int?] { pools.map { try? $0.free() } }

    /// Takes what came back out of the pools, and no more: another user may hold, or have taken, a page. The pages are free
    /// now: a pool that cannot be asked must not look like a release that failed.
    /// - Returns: how many that were.
    @discardableResult
    func shrinkPools(from before: [Int?], atMost pages: Int) -> Int {
        var left = pages
        for (pool, before) in zip(pools, before) {
            guard let before, let free = try? pool.free() else { continue }
            let back = max(0, min(left, free - before))
            try? pool.shrink(by: back)
            left -= back
        }
        return pages - left
    }
}
