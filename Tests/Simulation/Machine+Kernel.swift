import VNodeBalloon

// What the guest's kernel does on behalf of the balloon.
extension Machine {
    /// HugePages_Total. A page that left the file is counted while a pin has it.
    func poolTotal(_ vnode: Int) -> Int {
        nodes[vnode].poolFree.count + nodes[vnode].poolUsed.count + nodes[vnode].pages
            + limbo.count { layout.vnode(ofBlock: $0) == vnode }
    }

    /// nr_hugepages upwards: as many as there are free blocks.
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

    /// nr_hugepages downwards: only free pages go.
    func shrinkPool(_ vnode: Int, by count: Int) {
        for _ in 0..<min(count, nodes[vnode].poolFree.count) {
            let block = nodes[vnode].poolFree.removeLast()
            uses[block] = .free
            nodes[vnode].free.append(block)
        }
    }

    /// A page fault in the file: takes a page of the pool, whoever set it aside, and clears it.
    func fault(_ vnode: Int, _ slot: Int) -> Bool {
        guard let block = nodes[vnode].poolFree.popLast() else { return false }
        // Clearing a hole does nothing, and nobody would notice.
        if poisoned.contains(block) { violate("I9: block \(block) is broken and was handed out") }
        if !isAllMemory(block) && !lost.contains(block) { violate("I1: block \(block) was handed out and has a hole") }
        uses[block] = .ours(slot: slot)
        nodes[vnode].slots[slot].block = block
        unprobed.insert(block)
        return true
    }

    /// ftruncate: pages behind the end go back to the pool, for anybody to use.
    func resize(_ vnode: Int, to slots: Int) {
        while nodes[vnode].slots.count > slots {
            let page = nodes[vnode].slots.removeLast()
            guard let block = page.block else { continue }
            // What Linux had as a hole may go back to it as it came, before Xen could be asked about it.
            let isAsItCame = lost.contains(block) && unprobed.contains(block)
            if !isAllMemory(block) && !isAsItCame { violate("I1: block \(block) was freed and has a hole") }
            if poisoned.contains(block) { violate("I9: block \(block) was freed and is broken") }
            letGo(block, vnode: vnode)
        }
        while nodes[vnode].slots.count < slots { nodes[vnode].slots.append(Node.Page()) }
    }

    /// fallocate, FALLOC_FL_PUNCH_HOLE: a slot's page goes back to the pool, the slot stays.
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

    /// What a process sees of slots.
    func pages(_ vnode: Int, _ slots: Range<Int>) -> [SlotPage] {
        zip(slots, firstFrames(vnode, slots)).map { slot, gfn in
            guard let gfn else { return .none }
            return poisoned.contains(Int(gfn >> 9)) ? .unreadable : .extent(gfn)
        }
    }

    /// pagemap.
    func firstFrames(_ vnode: Int, _ slots: Range<Int>) -> [UInt64?] {
        slots.map { slot in
            guard slot < nodes[vnode].slots.count else { return nil }
            return nodes[vnode].slots[slot].block.map { UInt64($0) * 512 }
        }
    }
}
