public import VNodeBalloon

// What the host, the toolstack, the guest's administrators and other programs do.
extension Machine {
    /// Other domains take memory of a physical node, as far as it is free, or give it back.
    public func hostTakes(_ frames: UInt64, pnode: Int) {
        let taken = min(frames, hostFree[pnode])
        hostFree[pnode] -= taken
        hostTaken[pnode] += taken
    }

    public func hostGivesBack(pnode: Int) {
        hostFree[pnode] += hostTaken[pnode]
        hostTaken[pnode] = 0
    }

    /// All other domains unmap the frames of this one.
    public func dropReferences() {
        referenced = []
        for pnode in zombies.indices {
            hostFree[pnode] += zombies[pnode]
            zombies[pnode] = 0
        }
    }

    /// Other domains map every n-th frame of a vnode's free blocks.
    public func reference(vnode: Int, every step: Int) {
        for block in nodes[vnode].free {
            for gfn in stride(from: UInt64(block) * 512, to: UInt64(block) * 512 + 512, by: step) {
                referenced.insert(gfn)
            }
        }
    }

    /// From now on Xen cannot take one frame of each of `blocks` free blocks out of the map; ``unstick()`` ends that.
    public func stick(vnode: Int, blocks: Int, frame: Int) {
        for gfn in nodes[vnode].free.suffix(blocks).map({ UInt64($0) * 512 + UInt64(frame) })
        where frames[gfn].kind == .ram { setKind(.stuck, gfn) }
    }

    public func unstick() {
        for block in 0..<layout.blockCount where frames.count(block: block, where: { $0.kind == .stuck }) > 0 {
            for gfn in UInt64(block) * 512..<UInt64(block) * 512 + 512 where frames[gfn].kind == .stuck {
                setKind(.ram, gfn)
            }
            frames.merge(block: block)
        }
    }

    private func setKind(_ kind: GuestFrame.Kind, _ gfn: UInt64) {
        frames[gfn] = GuestFrame(kind, pnode: frames[gfn].pnode)
    }

    /// The domain is migrated, and some of the frames that were given come back as RAM. No other domain has frames of
    /// the new one mapped.
    public func migrate(_ returned: Returned) {
        tally.note(.migrated)
        dropReferences()
        suspended += .milliseconds(50)
        for gfn in unsent.sorted() where frames[gfn].kind == .ram { lose(gfn) }
        isLogDirty = false
        bringBack(vnode: returned.vnode, slot: returned.slot, from: returned.from, count: returned.count)
    }

    /// A frame that was populated while the domain was being migrated is a hole in the new domain.
    private func lose(_ gfn: UInt64) {
        tally.note(.unexpectedHole)
        let block = Int(gfn >> 9)
        // A page that left the file is not free until its last pin goes.
        if limbo.contains(block) {
            lost.insert(block)
        } else if case .ours = uses[block] {
        } else {
            violate("I8: frame \(gfn) was freed, and the migration loses it")
        }
        mapped[frames[gfn].pnode] -= 1
        hostFree[frames[gfn].pnode] += 1
        frames[gfn] = GuestFrame(.hole, pnode: frames[gfn].pnode)
        frames.merge(block: block)
    }

    /// Frames of a slot that was given become RAM again: `count` of them from `frame` on. All of them or none, because
    /// a host without room does not take the domain.
    ///
    /// Nothing is brought back if the count would hide it. The daemon notes the sum of all memory; other holes may have
    /// appeared since, from Linux's own balloon or because other domains unmapped frames. If exactly as many frames
    /// came back as were lost that way, the sum would be the same, and the daemon could not know.
    public func bringBack(vnode: Int, slot: Int, from frame: Int, count: Int) {
        guard slot < nodes[vnode].slots.count, let block = nodes[vnode].slots[slot].block else { return }
        let pnode = layout.pnodes[vnode]
        let holes = (0..<512).dropFirst(frame).prefix(count).map { UInt64(block) * 512 + UInt64($0) }
            .filter { frames[$0].kind == .hole }
        let sum = layout.pnodes.indices.reduce(currentReservation + UInt64(holes.count)) { $0 + self.holes(vnode: $1) }
        guard hostFree[pnode] >= UInt64(holes.count), sum != notedTotal || holes.isEmpty else { return }
        for gfn in holes {
            tally.note(.unexpectedRAM)
            frames[gfn] = GuestFrame(.ram, pnode: pnode)
            hostFree[pnode] -= 1
            mapped[pnode] += 1
        }
        frames.merge(block: block)
    }

    /// Other programs take free memory of a vnode, or give it back.
    public func hog(vnode: Int, blocks: Int) {
        for _ in 0..<min(blocks, nodes[vnode].free.count) {
            let block = nodes[vnode].free.removeLast()
            uses[block] = .others
            nodes[vnode].hogged.append(block)
        }
    }

    public func unhog(vnode: Int) {
        for block in nodes[vnode].hogged { uses[block] = .free }
        nodes[vnode].free += nodes[vnode].hogged
        nodes[vnode].hogged = []
    }

    /// An administrator sets pages aside in the pool, as far as there is memory, or gives up unused ones.
    public func changePool(vnode: Int, by pages: Int) {
        let before = poolTotal(vnode)
        if pages > 0 { growPool(vnode, by: pages) }
        if pages < 0 { shrinkPool(vnode, by: min(-pages, nodes[vnode].setAside - nodes[vnode].poolUsed.count)) }
        nodes[vnode].setAside += poolTotal(vnode) - before
    }

    /// A program takes some of the pages that an administrator set aside, or frees them.
    public func usePool(vnode: Int, pages: Int) {
        let unused = nodes[vnode].setAside - nodes[vnode].poolUsed.count
        for _ in 0..<min(pages, unused, nodes[vnode].poolFree.count) {
            let block = nodes[vnode].poolFree.removeLast()
            if !isAllMemory(block) && !lost.contains(block) {
                violate("I1: block \(block) was handed to somebody and has a hole")
            }
            uses[block] = .others
            nodes[vnode].poolUsed.append(block)
        }
    }

    public func unusePool(vnode: Int) {
        for block in nodes[vnode].poolUsed { uses[block] = .pool }
        nodes[vnode].poolFree += nodes[vnode].poolUsed
        nodes[vnode].poolUsed = []
    }

    /// Linux migrates pages that are not pinned, as for memory offline and compaction. It would copy a hole and then
    /// free it.
    public func migrateUnpinned() {
        for vnode in nodes.indices {
            for slot in nodes[vnode].slots.indices where !nodes[vnode].slots[slot].isPinned {
                guard let old = nodes[vnode].slots[slot].block, !isInPipe(old), !lost.contains(old),
                    let place = nodes[vnode].free.firstIndex(where: { !lost.contains($0) })
                else { continue }
                let new = nodes[vnode].free[place]
                if !isAllMemory(old) { violate("I4: block \(old) was migrated and has a hole") }
                nodes[vnode].free[place] = old
                nodes[vnode].slots[slot].block = new
                (uses[old], uses[new]) = (.free, .ours(slot: slot))
            }
        }
    }

    /// Another page takes the place of a slot's page although it is pinned. Not while there are pages that a migration
    /// would lose: then this would free such a page.
    ///
    /// - Parameters:
    ///   - isFilled: the old page is RAM again at once, as when Linux's own balloon takes it over.
    ///   - isRead: a process has read the old page's frame number.
    public func replacePage(vnode: Int, slot: Int, isFilled: Bool = false, isRead: Bool = true) {
        guard unsent.isEmpty, slot < nodes[vnode].slots.count, let old = nodes[vnode].slots[slot].block,
            let new = nodes[vnode].free.first
        else { return }
        tally.note(.otherPage)
        // The pins of the old page become pins of the new one. A real kernel never replaces a pinned page.
        pipes = pipes.mapValues { pipe in
            Pipe(blocks: pipe.blocks.map { $0 == old ? new : $0 }, readEnd: pipe.readEnd)
        }
        if isFilled { fill(block: old, from: layout.pnodes[vnode]) }
        if !isAllMemory(old) {
            lost.insert(old)
            if isKilled || !isRead { forgotten.insert(old) }
        }
        nodes[vnode].free[0] = old
        nodes[vnode].slots[slot].block = new
        (uses[old], uses[new]) = (.free, .ours(slot: slot))
    }

    /// How much memory of a vnode is free.
    public func free(vnode: Int) -> KiB { .mib(2) * UInt64(nodes[vnode].free.count) }
    public func slotCount(vnode: Int) -> Int { nodes[vnode].slots.count }

    /// Whether only frames in the domain's map are charged to the domain.
    var hasNoForeignCharge: Bool {
        zombies.allSatisfy { $0 == 0 } && referenced.isEmpty && leaked.allSatisfy { $0 == 0 }
    }

    /// The free memory that Linux reports for its nodes. It is plenty: the guard has tests of its own.
    var nodeMemory: [Int: NodeMemory] {
        var memory: [Int: NodeMemory] = [:]
        for vnode in layout.vnodes {
            guard let node = vnode.linuxNode else { continue }
            let free = (free(vnode: vnode.number) + .mib(64)).less(taken[vnode.number] ?? 0)
            memory[node] = NodeMemory(managed: 0, free: free, available: free)
        }
        return memory
    }

    /// Blocks with holes that no process knows of are RAM again after the guest's next boot.
    private func bringBackForgotten() {
        for block in forgotten where lost.contains(block) {
            // The balloon has this block again, and knows its holes.
            if case .ours = uses[block] { continue }
            fill(block: block, from: layout.pnodes[layout.vnode(ofBlock: block)])
            lost.remove(block)
        }
        forgotten = []
        guard isRebootDue else { return }
        isRebootDue = false
        forgetLostPins()
        emptyPools()
    }

    /// All pages that were not set aside leave the pools.
    func emptyPools() {
        for vnode in nodes.indices {
            let surplus = nodes[vnode].poolFree.count + nodes[vnode].poolUsed.count - nodes[vnode].setAside
            shrinkPool(vnode, by: max(0, surplus))
        }
    }

    /// Populates the holes of a block, as far as there is memory.
    private func fill(block: Int, from pnode: Int) {
        for gfn in UInt64(block) * 512..<UInt64(block) * 512 + 512
        where frames[gfn].kind == .hole && hostFree[pnode] > 0 {
            frames[gfn] = GuestFrame(.ram, pnode: pnode)
            hostFree[pnode] -= 1
            mapped[pnode] += 1
        }
        frames.merge(block: block)
    }

    /// Slots that an audit of the first and the last frame takes for what they are not. RAM between two holes counts as
    /// positive, holes between RAM as negative.
    func hidden(vnode: Int) -> [(slot: Int, frames: Int)] {
        nodes[vnode].slots.enumerated().compactMap { slot, page in
            guard let block = page.block, frames.uniform(block: block) == nil else { return nil }
            let ends = [UInt64(block) * 512, UInt64(block) * 512 + 511].map { frames[$0].kind == .hole }
            guard ends[0] == ends[1] else { return nil }
            let others = frames.count(block: block) { ($0.kind == .hole) != ends[0] }
            return (slot, ends[0] ? others : -others)
        }
    }

    /// Linux's own balloon gives `count` frames of the kernel's memory; a negative count takes frames back.
    public func kernelGives(_ count: Int) {
        for _ in 0..<min(max(0, -count), kernelGiven.count) { kernelTakesBack(kernelGiven.removeLast()) }
        var left = max(0, count)
        for block in uses.indices where uses[block] == .kernel {
            for gfn in UInt64(block) * 512..<UInt64(block) * 512 + 512 where left > 0 && frames[gfn].kind == .ram {
                mapped[frames[gfn].pnode] -= 1
                hostFree[frames[gfn].pnode] += 1
                frames[gfn] = GuestFrame(.hole, pnode: frames[gfn].pnode)
                kernelGiven.append(gfn)
                left -= 1
            }
        }
    }

    private func kernelTakesBack(_ gfn: UInt64) {
        let pnode = frames[gfn].pnode
        guard hostFree[pnode] > 0 else { return kernelGiven.insert(gfn, at: 0) }
        frames[gfn] = GuestFrame(.ram, pnode: pnode)
        hostFree[pnode] -= 1
        mapped[pnode] += 1
        frames.merge(block: Int(gfn >> 9))
    }

    /// Ends all faults and all that other programs do. They give back all that they took.
    public func calm() {
        plan = [:]
        holder.goOn()
        (holder.isFull, holder.isClientFull, holder.isStartRefused) = (false, false, false)
        isLogDirty = false
        dropReferences()
        unstick()
        for pnode in hostFree.indices {
            isFragmented[pnode] = false
            hostGivesBack(pnode: pnode)
        }
        kernelGives(-kernelGiven.count)
        for vnode in nodes.indices {
            unhog(vnode: vnode)
            unusePool(vnode: vnode)
        }
        bringBackForgotten()
    }

    /// The pools get as many pages as were set aside at the start.
    public func restorePools() {
        for vnode in nodes.indices {
            changePool(vnode: vnode, by: layout.foreignPages - nodes[vnode].setAside)
        }
    }
}
