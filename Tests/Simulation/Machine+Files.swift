import VNodeBalloon

// What other programs do to a balloon's file.
extension Machine {
    /// Another program removes the file, or puts another one in its place. The file itself lives on: a process and the
    /// keeper have it open.
    public func removeFile(vnode: Int) { takeName(vnode, .gone) }
    public func replaceFile(vnode: Int) { takeName(vnode, .another) }

    private func takeName(_ vnode: Int, _ name: FoundFile.Name) {
        tally.note(.fileGone)
        nodes[vnode].fileName = name
        isFileEvent = true
    }

    /// Another program punches a slot's page out of the file, with its holes. The product must never do this itself.
    ///
    /// - Parameter isRead: whether a process has read the page's frame number before.
    public func punch(vnode: Int, slot: Int, isRead: Bool = true) {
        guard slot < nodes[vnode].slots.count, let block = nodes[vnode].slots[slot].block else { return }
        tally.note(.pageGone)
        isFileEvent = true
        nodes[vnode].slots[slot] = Node.Page()
        if !isAllMemory(block) {
            lost.insert(block)
            if isKilled || !isRead { forgotten.insert(block) }
        }
        if isKilled || !isRead { isRebootDue = true }
        uses[block] = .pool
        // A pinned page is freed when its last pin goes.
        if isInPipe(block) {
            limbo.insert(block)
        } else {
            // Inserted first, so that it is handed out last: another program might use it.
            nodes[vnode].poolFree.insert(block, at: 0)
        }
    }

    /// Another program shortens the file.
    public func cut(vnode: Int, to slots: Int, isRead: Bool = true) {
        while nodes[vnode].slots.count > slots {
            punch(vnode: vnode, slot: nodes[vnode].slots.count - 1, isRead: isRead)
            nodes[vnode].slots.removeLast()
        }
    }

    /// The kernel finds one of the slot's frames broken. It unmaps the page and never maps it again.
    public func poison(vnode: Int, slot: Int) {
        if let block = nodes[vnode].slots[slot].block { poisoned.insert(block) }
    }

    /// Memory of another domain is mapped in the place of a hole.
    public func makeForeign(vnode: Int, slot: Int, frame: Int) {
        guard let block = nodes[vnode].slots[slot].block else { return }
        frames[UInt64(block) * 512 + UInt64(frame)] = GuestFrame(.special, pnode: layout.pnodes[vnode])
    }

    /// How many of the blocks that were freed with holes still have holes.
    public var lostBlocks: Int { lost.count }

    public func lengthen(vnode: Int, by slots: Int) {
        for _ in 0..<slots { nodes[vnode].slots.append(Node.Page()) }
    }
}
