import VNodeBalloon

// What other programs do to a balloon's file.
extension Machine {
    /// Somebody removes the file, or puts another in its place. It lives on, as a process and the keeper have it open.
    public func removeFile(vnode: Int) { takeName(vnode, .gone) }
    public func replaceFile(vnode: Int) { takeName(vnode, .another) }

    private func takeName(_ vnode: Int, _ name: FoundFile.Name) {
        tally.note(.fileGone)
        nodes[vnode].fileName = name
        isFileEvent = true
    }

    /// Somebody punches a slot's page out of the file, holes and all: what the product must never do itself.
    ///
    /// - Parameter isRead: a process has read its frame number.
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
        // A page that is pinned comes free with its last pin.
        if isInPipe(block) {
            limbo.insert(block)
        } else {
            // A page that others use is not handed out first.
            nodes[vnode].poolFree.insert(block, at: 0)
        }
    }

    /// Somebody cuts the file.
    public func cut(vnode: Int, to slots: Int, isRead: Bool = true) {
        while nodes[vnode].slots.count > slots {
            punch(vnode: vnode, slot: nodes[vnode].slots.count - 1, isRead: isRead)
            nodes[vnode].slots.removeLast()
        }
    }

    /// One of a slot's frames is found to be broken: the kernel unmaps the page, and maps it for nobody any more.
    public func poison(vnode: Int, slot: Int) {
        if let block = nodes[vnode].slots[slot].block { poisoned.insert(block) }
    }

    /// Another domain's memory is mapped where a hole was.
    public func makeForeign(vnode: Int, slot: Int, frame: Int) {
        guard let block = nodes[vnode].slots[slot].block else { return }
        frames[UInt64(block) * 512 + UInt64(frame)] = GuestFrame(.special, pnode: layout.pnodes[vnode])
    }

    /// How many blocks that were freed as holes are holes still.
    public var lostBlocks: Int { lost.count }

    public func lengthen(vnode: Int, by slots: Int) {
        for _ in 0..<slots { nodes[vnode].slots.append(Node.Page()) }
    }
}
