/// The pages of one vnode: a hugetlbfs file of our own, its pins, and its share of the node's pool.
public final class HugePageReserve: PageReserve {
    let vnode: Int
    let node: Int?
    private let mount: FileDescriptor
    private let pools: [HugePagePool]
    private var file: SlotFile
    private let pagemap: Pagemap
    let keeper: any DescriptorKeeper
    /// One for each chunk of 64 slots, the last one perhaps not full.
    var pins: [Pin] = []
    private var isKept = false
    /// Slots whose page somebody took. Nothing is put there: it would be a page that others set aside.
    private var empty: Set<Int> = []
    /// Names of pins that stay because pages of theirs are in no slot any more, and may be holes. How many such pages
    /// earlier processes left.
    var lostPins: [String] = []
    public internal(set) var strayPins = 0
    /// What a recovery has seen so far. Old pins stay until all new ones are there, and were seen to be whole.
    private var recovered: [UInt64?] = []
    private var renewed: [Pin] = []
    public private(set) var slotCount = 0

    /// Opens or makes the vnode's file below the mount, or takes over one that lost its name and is kept by an earlier
    /// process's keeper. Nothing is mapped or pinned before ``recover(interrupted:)``.
    ///
    /// - Parameter node: Linux's number of the node that lies in the vnode's memory. nil where there is none: then what
    ///   is there can be freed, and nothing be acquired.
    /// - Throws: `.notHugetlbfs`, `.noHugePages`, `.system`.
    public init(
        vnode: Int, node: Int?, mount: HugePageMount, keeper: any DescriptorKeeper
    ) throws(BalloonError) {
        self.vnode = vnode
        self.node = node
        self.mount = mount.root
        self.keeper = keeper
        if let node { pools = [try HugePagePool(node: node)] } else { pools = try HugePagePool.all() }
        file = try SlotFile.find(vnode: vnode, mount: mount.root, keeper)
        pagemap = try Pagemap()
        slotCount = try file.info().slots
    }

    public func foreignPoolPages() throws(BalloonError) -> Int {
        var total = -(try file.info().pages)
        for pool in pools { total += try pool.total() }
        return total
    }

    public func removeFromPool(_ pages: Int) throws(BalloonError) {
        var left = pages
        for pool in pools where left > 0 {
            let taken = min(left, try pool.free())
            try pool.shrink(by: taken)
            left -= taken
        }
    }

    // MARK: The file

    public func fileState() throws(BalloonError) -> FileState {
        let info = try file.info()
        return FileState(slots: info.slots, pages: info.pages, name: try file.name(below: mount), strayPins: strayPins)
    }

    public func renew() throws(BalloonError) {
        guard try file.info().slots == 0 else {
            throw BalloonError(.moved, "the balloon's old file is not empty", vnode: vnode)
        }
        try unpin(keeping: 0)
        keeper.drop(file.keptName)
        keeper.drop("mount.\(file.inode)")
        isKept = false
        file = try SlotFile.find(vnode: vnode, mount: mount, keeper)
        slotCount = try file.info().slots
        empty = []
    }

    // MARK: Growing

    public func acquire(_ count: Int) throws(BalloonError) -> [UInt64] {
        guard let node, let pool = pools.first else { return [] }
        try keepFile()
        let growth = try pool.grow(by: count)
        let grown = growth.pages
        guard grown > 0 else { return [] }
        let first = slotCount
        do throws(BalloonError) {
            try file.resize(to: first + grown)
            let frames = try file.withMapping(of: first..<first + grown, node: node) {
                (mapping) throws(BalloonError) in try fill(mapping)
            }
            slotCount = first + frames.count
            // Slots without a page are cut off again: there is nothing in them to free.
            if frames.count < grown { try file.resize(to: slotCount) }
            try pool.shrink(by: grown - frames.count)
            return frames
        } catch {
            // None of the new pages was given, so all of them are RAM. Whatever fails, the rest is still done; but only
            // what is free again leaves the pool: the others' pages are not ours to take out.
            slotCount = first
            try? unpin(keeping: first)
            try? file.resize(to: first)
            if let left = try? pool.free() { try? pool.shrink(by: max(0, min(grown, left - growth.freeBefore))) }
            throw error
        }
    }

    /// Faults, pins and reads slots in this order: a page may be migrated until it is pinned.
    private func fill(_ mapping: SlotMapping) throws(BalloonError) -> [UInt64] {
        let faulted = mapping.slots.prefix { mapping.populateForWriting($0) }
        try pin(faulted, in: mapping)
        var frames: [UInt64] = []
        frames.reserveCapacity(faulted.count)
        for slot in faulted {
            switch try mapping.newFrame(of: slot, pagemap) {
            case .success(let gfn): frames.append(gfn)
            case .failure(let fault):
                throw BalloonError(.moved, "a new huge page is not one aligned extent: \(fault)", vnode: vnode)
            }
        }
        return frames
    }

    // MARK: Pins

    /// Pins mapped slots, behind those that are pinned. Each pin is kept before anything in it can be given.
    private func pin(_ slots: Range<Int>, in mapping: SlotMapping) throws(BalloonError) {
        var slot = slots.lowerBound
        while slot < slots.upperBound {
            let chunk = slot / Pin.slots
            let end = min(slots.upperBound, (chunk + 1) * Pin.slots)
            let isNew = chunk == pins.count
            let (pin, filler) = isNew ? try Pin.make() : (pins[chunk], try pins[chunk].refill())
            for slot in slot..<end { try mapping.pin(slot, in: filler) }
            if isNew {
                pins.append(pin)
                try keeper.keep(name(ofChunk: chunk), pin.readEnd)
            }
            slot = end
        }
    }

    /// Unpins all but the first slots. Of a chunk that is cut, what stays is pinned anew before the old pin goes.
    private func unpin(keeping slots: Int) throws(BalloonError) {
        let whole = slots / Pin.slots
        let rest = whole * Pin.slots..<slots
        if !rest.isEmpty && whole < pins.count {
            let renewed = try file.withMapping(of: rest, node: node) { (mapping) throws(BalloonError) in
                let (pin, filler) = try Pin.make()
                for slot in rest where !empty.contains(slot) {
                    // Without all of them the old pin must stay.
                    guard mapping.populateForReading(slot) else { throw unmappable() }
                    try mapping.pin(slot, in: filler)
                }
                return pin
            }
            // Takes the old pin's place there, too.
            try keeper.keep(name(ofChunk: whole), renewed.readEnd)
            pins[whole] = renewed
        }
        let last = (slots + Pin.slots - 1) / Pin.slots
        while pins.count > last {
            keeper.drop(name(ofChunk: pins.count - 1))
            pins.removeLast()
        }
    }

    /// Names tell files apart: pins of a file that somebody removed must not give way to those of a new one.
    func name(ofChunk chunk: Int) -> String { "vnode\(vnode).\(file.inode).pin\(chunk)" }

    /// The file and the mount outlive us, too.
    private func keepFile() throws(BalloonError) {
        guard !isKept else { return }
        try keeper.keep("mount.\(file.inode)", mount)
        try keeper.keep(file.keptName, file.descriptor)
        isKept = true
    }

    // MARK: Reading and shrinking

    public func pages(of slots: Range<Int>) throws(BalloonError) -> [SlotPage] {
        try found(in: slots).map { $0.map(SlotPage.extent) ?? .none }
    }

    private func found(in slots: Range<Int>) throws(BalloonError) -> [UInt64?] {
        // Mapping beyond the end would lengthen the file again.
        let info = try file.info()
        let there = slots.clamped(to: 0..<info.slots)
        let none = [UInt64?](repeating: nil, count: slots.count - there.count)
        if there.isEmpty { return none }
        return try file.withMapping(of: there, node: node) { (mapping) throws(BalloonError) in
            var frames: [UInt64?] = []
            frames.reserveCapacity(slots.count)
            // Where no page is missing none can be made by looking.
            let isWhole = info.pages == info.slots && mapping.populateAllForReading()
            for slot in there { frames.append(try isWhole ? known(slot, mapping) : frame(of: slot, mapping)) }
            return frames + none
        }
    }

    /// A slot's frame, nil when it had no page. A missing page cannot be looked for without making one.
    private func frame(of slot: Int, _ mapping: SlotMapping) throws(BalloonError) -> UInt64? {
        let pages = try file.info().pages
        guard !empty.contains(slot), mapping.populateForReading(slot) else { return nil }
        if pages < slotCount - empty.count, try file.info().pages > pages { return nil }
        return try known(slot, mapping)
    }

    /// The frame of a slot that is mapped for reading.
    private func known(_ slot: Int, _ mapping: SlotMapping) throws(BalloonError) -> UInt64? {
        guard !empty.contains(slot), case .success(let gfn) = try mapping.frame(of: slot, pagemap) else { return nil }
        return gfn
    }

    public func release(keeping slots: Int) throws(BalloonError) {
        let removed = slotCount - slots
        guard removed > 0 else { return }
        try unpin(keeping: slots)
        var before: [Int] = []
        for pool in pools { before.append(try pool.free()) }
        try file.resize(to: slots)
        slotCount = slots
        empty = empty.filter { $0 < slots }
        // Only what came back: another user may hold, or have taken, a page. The pages are free now: a pool that
        // cannot be asked must not look like a release that failed.
        var left = removed
        for (pool, before) in zip(pools, before) {
            let back = max(0, min(left, ((try? pool.free()) ?? before) - before))
            try? pool.shrink(by: back)
            left -= back
        }
    }

    public func punch(_ slots: [Int]) throws(BalloonError) {
        throw BalloonError(.system, "pages in the middle of the balloon's file stay there", vnode: vnode)
    }

    // MARK: After a start

    public func beginRecovery() throws(BalloonError) {
        // Slots beyond those that were there at the start, or that were made since, were never given. Looking at them would
        // fill them, with pages that others set aside.
        let there = try file.info().slots
        if there > slotCount { try file.resize(to: slotCount) }
        slotCount = min(slotCount, there)
        empty = empty.filter { $0 < slotCount }
        (recovered, renewed) = ([], [])
        if slotCount > 0 { try keepFile() }
    }

    public func recoverNext() throws(BalloonError) -> [SlotPage] {
        let chunk = recovered.count..<min(slotCount, recovered.count + Pin.slots)
        if chunk.isEmpty { return [] }
        let (pin, found) = try file.withMapping(of: chunk, node: node) { (mapping) throws(BalloonError) in
            try recover(mapping)
        }
        renewed.append(pin)
        recovered += found
        return found.map { $0.map(SlotPage.extent) ?? .none }
    }

    public func endRecovery(interrupted: InterruptedMove?, isAllBack: Bool) throws(BalloonError) -> Bool {
        let frames = recovered
        // A page that cannot be mapped may be a hole all the same. Only where every page was seen, an empty slot is
        // known to have none.
        let found = frames.count { $0 != nil }
        guard try file.info().pages == found else { throw unmappable() }
        empty = Set(frames.indices.filter { frames[$0] == nil })
        try replacePins(by: renewed, frames, isAllBack: isAllBack)
        if let interrupted { try takeBackStranded(interrupted) }
        (recovered, renewed) = ([], [])
        return true
    }

    private func recover(_ mapping: SlotMapping) throws(BalloonError) -> (Pin, [UInt64?]) {
        let (pin, filler) = try Pin.make()
        var frames: [UInt64?] = []
        for slot in mapping.slots {
            guard !empty.contains(slot), mapping.populateForReading(slot) else {
                frames.append(nil)
                continue
            }
            // Pinned first: a page may move until then.
            try mapping.pin(slot, in: filler)
            guard case .success(let gfn) = try mapping.frame(of: slot, pagemap) else { throw unmappable() }
            frames.append(gfn)
        }
        return (pin, frames)
    }

    private func unmappable() -> BalloonError {
        BalloonError(.moved, "a page of the balloon's file cannot be looked at; nothing is freed", vnode: vnode)
    }

    /// A kill between growing the pool and faulting, or between shrinking the file and the pool, leaves pages of ours
    /// free in the pool. At most what was in motion, and only what is there beyond what others had.
    private func takeBackStranded(_ interrupted: InterruptedMove) throws(BalloonError) {
        let surplus = try foreignPoolPages() - interrupted.foreignPoolPages
        try removeFromPool(max(0, min(surplus, interrupted.poolPages)))
    }
}
