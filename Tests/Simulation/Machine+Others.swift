public import VNodeBalloon

// What others do: the host, the toolstack, the guest's administrators and programs.
extension Machine {
    /// Other domains take memory of a physical node, as much as there is, or give it back.
    public func hostTakes(_ frames: UInt64, pnode: Int) {
        let taken = min(frames, hostFree[pnode])
        hostFree[pnode] -= taken
        hostTaken[pnode] += taken
    }

    public func hostGivesBack(pnode: Int) {
        hostFree[pnode] += hostTaken[pnode]
        hostTaken[pnode] = 0
    }

    /// Whoever had frames of the domain mapped lets them go.
    public func dropReferences() {
        referenced = []
        for pnode in zombies.indices {
            hostFree[pnode] += zombies[pnode]
            zombies[pnode] = 0
        }
    }

    /// Others map every n-th frame of the free blocks of a vnode.
    public func reference(vnode: Int, every step: Int) {
        for block in nodes[vnode].free {
            for gfn in stride(from: UInt64(block) * 512, to: UInt64(block) * 512 + 512, by: step) {
                referenced.insert(gfn)
            }
        }
    }

    /// Xen cannot take one frame of each of so many free blocks out of the map: or it can again.
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

    /// The domain is migrated, and part of what was given comes back. Nobody has the new domain's frames mapped.
    public func migrate(_ returned: Returned) {
        tally.note(.migrated)
        dropReferences()
        suspended += .milliseconds(50)
        for gfn in unsent.sorted() where frames[gfn].kind == .ram { lose(gfn) }
        isLogDirty = false
        bringBack(vnode: returned.vnode, slot: returned.slot, from: returned.from, count: returned.count)
    }

    /// It was populated while the domain was being sent, and is a hole in the new one.
    private func lose(_ gfn: UInt64) {
        tally.note(.unexpectedHole)
        let block = Int(gfn >> 9)
        // A page that left the file is not free before its last pin goes.
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

    /// So many frames of a given slot, from some frame on, are memory again. All of them or none: a host without room takes
    /// no domain. And not exactly as many as the domain lost by others since the sum of all memory was noted (Linux's own
    /// balloon gave them, others let go of what we gave): that is the one thing that the sum cannot tell.
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

    /// Programs take free memory of a vnode, or give it back.
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

    /// An administrator sets huge pages aside in the pool, as many as there are, or gives up unused ones.
    public func changePool(vnode: Int, by pages: Int) {
        let before = poolTotal(vnode)
        if pages > 0 { growPool(vnode, by: pages) }
        if pages < 0 { shrinkPool(vnode, by: min(-pages, nodes[vnode].setAside - nodes[vnode].poolUsed.count)) }
        nodes[vnode].setAside += poolTotal(vnode) - before
    }

    /// A program takes huge pages of those that were set aside, or frees them.
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

    /// Linux migrates pages that nobody pins: memory offline, compaction. A hole would be copied and then freed.
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

    /// A slot's page is another one all of a sudden, whatever pinned it. Not one that a migration would lose: it would be
    /// others that freed it.
    ///
    /// - Parameters:
    ///   - isFilled: the old page is memory again at once, as when Linux's own balloon takes it over.
    ///   - isRead: a process has read its frame number.
    public func replacePage(vnode: Int, slot: Int, isFilled: Bool = false, isRead: Bool = true) {
        guard unsent.isEmpty, slot < nodes[vnode].slots.count, let old = nodes[vnode].slots[slot].block,
            let new = nodes[vnode].free.first
        else { return }
        tally.note(.otherPage)
        // What pinned the old one pins the new one: a page that is pinned is replaced by nobody in truth.
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

    /// Free memory of a vnode.
    public func free(vnode: Int) -> KiB { .mib(2) * UInt64(nodes[vnode].free.count) }
    public func slotCount(vnode: Int) -> Int { nodes[vnode].slots.count }

    /// Nothing is charged to the domain but what is in its map.
    var hasNoForeignCharge: Bool {
        zombies.allSatisfy { $0 == 0 } && referenced.isEmpty && leaked.allSatisfy { $0 == 0 }
    }

    /// What Linux says of its nodes. Plenty: the guard has tests of its own.
    var nodeMemory: [Int: NodeMemory] {
        var memory: [Int: NodeMemory] = [:]
        for vnode in layout.vnodes {
            guard let node = vnode.linuxNode else { continue }
            let free = (free(vnode: vnode.number) + .mib(64)).less(taken[vnode.number] ?? 0)
            memory[node] = NodeMemory(managed: 0, free: free, available: free)
        }
        return memory
    }

    /// What nobody can find any more is memory again after the guest's next boot.
    private func bringBackForgotten() {
        for block in forgotten where lost.contains(block) {
            // One that came to a balloon again is known to it.
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

    /// The pools lose what nobody has set aside.
    func emptyPools() {
        for vnode in nodes.indices {
            let surplus = nodes[vnode].poolFree.count + nodes[vnode].poolUsed.count - nodes[vnode].setAside
            shrinkPool(vnode, by: max(0, surplus))
        }
    }

    /// Populates what is a hole, as far as there is memory.
    private func fill(block: Int, from pnode: Int) {
        for gfn in UInt64(block) * 512..<UInt64(block) * 512 + 512
        where frames[gfn].kind == .hole && hostFree[pnode] > 0 {
            frames[gfn] = GuestFrame(.ram, pnode: pnode)
            hostFree[pnode] -= 1
            mapped[pnode] += 1
        }
        frames.merge(block: block)
    }

    /// Slots that two probes take for what they are not: RAM between two holes counts up, holes between RAM count down.
    func hidden(vnode: Int) -> [(slot: Int, frames: Int)] {
        nodes[vnode].slots.enumerated().compactMap { slot, page in
            guard let block = page.block, frames.uniform(block: block) == nil else { return nil }
            let ends = [UInt64(block) * 512, UInt64(block) * 512 + 511].map { frames[$0].kind == .hole }
            guard ends[0] == ends[1] else { return nil }
            let others = frames.count(block: block) { ($0.kind == .hole) != ends[0] }
            return (slot, ends[0] ? others : -others)
        }
    }

    /// Linux's own balloon gives so many frames of the kernel's memory, or takes some back.
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

    /// All that others did and all that goes wrong ends; what they took they give back.
    public func calm() {
        plan = [:]
        holder.goOn()
        (holder.isFull, holder.isClientFull) = (false, false)
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

    /// The pools are given what was set aside at the start.
    public func restorePools() {
        for vnode in nodes.indices {
            changePool(vnode: vnode, by: layout.foreignPages - nodes[vnode].setAside)
        }
    }
}
