/// The pages of one vnode: a hugetlbfs file of our own, its pins, and its share of the node's pool.
public final class HugePageReserve: PageReserve {
    let vnode: Int
    let node: Int
    private let mount: FileDescriptor
    private let pool: HugePagePool
    private let file: SlotFile
    private let inode: UInt64
    private let pagemap: Pagemap
    private let keeper: any DescriptorKeeper
    /// One for each chunk of 64 slots, the last one perhaps not full.
    private var pins: [Pin] = []
    private var isKept = false
    public private(set) var slotCount = 0

    /// Opens or makes the vnode's file below the mount. Nothing is mapped or pinned before ``recover(interrupted:)``.
    ///
    /// - Parameter node: Linux's number of the node that lies in the vnode's memory.
    /// - Throws: `.notHugetlbfs`, `.noHugePages`, `.system`.
    public init(
        vnode: Int, node: Int, mount: HugePageMount, keeper: any DescriptorKeeper
    ) throws(BalloonError) {
        self.vnode = vnode
        self.node = node
        self.mount = mount.root
        self.keeper = keeper
        pool = try HugePagePool(node: node)
        file = try SlotFile(mount: mount.root, name: "vnode\(vnode)", vnode: vnode)
        pagemap = try Pagemap()
        inode = try file.descriptor.info().inode
        slotCount = try file.info().slots
    }

    public func foreignPoolPages() throws(BalloonError) -> Int { try pool.total() - file.info().pages }

    public func isRemoved() throws(BalloonError) -> Bool { try file.info().links == 0 }

    // MARK: Growing

    public func acquire(_ count: Int) throws(BalloonError) -> [UInt64] {
        try keepFile()
        let free = try pool.free()
        let grown = try pool.grow(by: count)
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
            if let left = try? pool.free() { try? pool.shrink(by: max(0, min(grown, left - free))) }
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
            switch try mapping.frame(of: slot, pagemap) {
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
                for slot in rest {
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
    private func name(ofChunk chunk: Int) -> String { "vnode\(vnode).\(inode).pin\(chunk)" }

    /// The file and the mount outlive us, too.
    private func keepFile() throws(BalloonError) {
        guard !isKept else { return }
        try keeper.keep("mount.\(inode)", mount)
        try keeper.keep("vnode\(vnode).\(inode).file", file.descriptor)
        isKept = true
    }

    // MARK: Reading and shrinking

    public func frames(of slots: Range<Int>) throws(BalloonError) -> [UInt64?] {
        // Mapping beyond the end would lengthen the file again.
        let there = slots.clamped(to: 0..<(try file.info().slots))
        let none = [UInt64?](repeating: nil, count: slots.count - there.count)
        if there.isEmpty { return none }
        return try file.withMapping(of: there, node: node) { (mapping) throws(BalloonError) in
            var frames: [UInt64?] = []
            frames.reserveCapacity(slots.count)
            for slot in there { frames.append(try frame(of: slot, mapping)) }
            return frames + none
        }
    }

    /// A slot's frame, nil when it had no page. A missing page cannot be looked for without making one.
    private func frame(of slot: Int, _ mapping: SlotMapping) throws(BalloonError) -> UInt64? {
        let pages = try file.info().pages
        guard mapping.populateForReading(slot) else { return nil }
        if pages < slotCount, try file.info().pages > pages { return nil }
        guard case .success(let gfn) = try mapping.frame(of: slot, pagemap) else { return nil }
        return gfn
    }

    public func release(keeping slots: Int) throws(BalloonError) {
        let removed = slotCount - slots
        guard removed > 0 else { return }
        try unpin(keeping: slots)
        let before = try pool.free()
        try file.resize(to: slots)
        slotCount = slots
        // Only what came back: another user may hold, or have taken, a page. The pages are free now: a pool that
        // cannot be asked must not look like a release that failed.
        let after = (try? pool.free()) ?? before
        try? pool.shrink(by: max(0, min(removed, after - before)))
    }

    // MARK: After a start

    public func recover(interrupted: InterruptedMove?) throws(BalloonError) -> [UInt64?] {
        slotCount = try file.info().slots
        var frames: [UInt64?] = []
        // Old pins stay until all new ones are there, and were seen to be whole.
        var renewed: [Pin] = []
        if slotCount > 0 { try keepFile() }
        while frames.count < slotCount {
            let chunk = frames.count..<min(slotCount, frames.count + Pin.slots)
            let (pin, found) = try file.withMapping(of: chunk, node: node) { (mapping) throws(BalloonError) in
                try recover(mapping)
            }
            renewed.append(pin)
            frames += found
        }
        // A page that cannot be mapped may be a hole all the same. Only where every page was seen, an empty slot is
        // known to have none.
        guard try file.info().pages == frames.count(where: { $0 != nil }) else { throw unmappable() }
        for (chunk, pin) in renewed.enumerated() { try keeper.keep(name(ofChunk: chunk), pin.readEnd) }
        pins = renewed
        if let interrupted { try takeBackStranded(interrupted) }
        return frames
    }

    private func recover(_ mapping: SlotMapping) throws(BalloonError) -> (Pin, [UInt64?]) {
        let (pin, filler) = try Pin.make()
        var frames: [UInt64?] = []
        for slot in mapping.slots {
            guard mapping.populateForReading(slot) else {
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
        try pool.shrink(by: max(0, min(surplus, interrupted.poolPages)))
    }
}
