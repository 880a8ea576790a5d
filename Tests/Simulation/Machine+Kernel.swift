import VNodeBalloon

// What the guest's kernel does when the balloon's process calls it.
extension Machine {
    /// HugePages_Total. A page that left the file counts as long as a pin has it.
    func poolTotal(_ vnode: Int) -> Int {
        nodes[vnode].poolFree.count + nodes[vnode].poolUsed.count + nodes[vnode].pages
            + limbo.count { layout.vnode(ofBlock: $0) == vnode }
    }

    /// Raises nr_hugepages. The pool gets as many pages as there are free blocks.
    @discardableResult
    func growPool(_ vnode: Int, by count: Int) -> Int {
        let grown = min(count, nodes[vnode].free.count)
        for _ in 0..<grown {
            let block = nodes[vnode].free.removeLast()
            uses[block] = .pool
            nodes[vnode].poolFree.append(block)
        }
        return grown
    }

    /// Lowers nr_hugepages. Only free pages leave the pool.
    func shrinkPool(_ vnode: Int, by count: Int) {
        for _ in 0..<min(count, nodes[vnode].poolFree.count) {
            let block = nodes[vnode].poolFree.removeLast()
            uses[block] = .free
            nodes[vnode].free.append(block)
        }
    }

    /// A page fault in the file takes a page of the pool and clears it. The page may be one that an administrator set
    /// aside.
    func fault(_ vnode: Int, _ slot: Int) -> Bool {
        guard let block = nodes[vnode].poolFree.popLast() else { return false }
        // Nothing would show that a hole was cleared: the write has no effect.
        if poisoned.contains(block) { violate("I9: block \(block) is broken and was handed out") }
        if !isAllMemory(block) && !lost.contains(block) { violate("I1: block \(block) was handed out and has a hole") }
        uses[block] = .ours(slot: slot)
        nodes[vnode].slots[slot].block = block
        unprobed.insert(block)
        return true
    }

    /// ftruncate: the pages behind the new end go back to the pool, where any program may take them.
    func resize(_ vnode: Int, to slots: Int) {
        while nodes[vnode].slots.count > slots {
            let page = nodes[vnode].slots.removeLast()
            guard let block = page.block else { continue }
            // A block that came from Linux with holes may go back as it came, if the product has not asked Xen about it
            // yet.
            let isAsItCame = lost.contains(block) && unprobed.contains(block)
            if !isAllMemory(block) && !isAsItCame { violate("I1: block \(block) was freed and has a hole") }
            if poisoned.contains(block) { violate("I9: block \(block) was freed and is broken") }
            letGo(block, vnode: vnode)
        }
        while nodes[vnode].slots.count < slots { nodes[vnode].slots.append(Node.Page()) }
    }

    /// fallocate with FALLOC_FL_PUNCH_HOLE: a slot's page goes back to the pool, and the slot stays.
    func release(vnode: Int, slot: Int) {
        guard let block = nodes[vnode].slots[slot].block else { return }
        if !isAllMemory(block) { violate("I1: block \(block) was punched out and has a hole") }
        nodes[vnode].slots[slot] = Node.Page()
        letGo(block, vnode: vnode)
    }

    func unpin(_ vnode: Int, from slot: Int) {
        for index in nodes[vnode].slots.indices.dropFirst(slot) {
            nodes[vnode].slots[index].isPinnedHere = false
            nodes[vnode].slots[index].isKept = false
        }
    }

    /// Slots as a process sees them.
    func pages(_ vnode: Int, _ slots: Range<Int>) -> [SlotPage] {
        zip(slots, firstFrames(vnode, slots)).map { slot, gfn in
            guard let gfn else { return .none }
            return poisoned.contains(Int(gfn >> 9)) ? .unreadable : .extent(gfn)
        }
    }

    /// The first frame of each slot, from pagemap.
    func firstFrames(_ vnode: Int, _ slots: Range<Int>) -> [UInt64?] {
        slots.map { slot in
            guard slot < nodes[vnode].slots.count else { return nil }
            return nodes[vnode].slots[slot].block.map { UInt64($0) * 512 }
        }
    }
}
