extension Machine {
    /// Frames of a vnode that have memory of another physical node.
    public func elsewhere(vnode: Int) -> UInt64 {
        layout.blocks(of: vnode).reduce(0) { sum, block in
            sum + UInt64(frames.count(block: block) { $0.isOwn && $0.pnode != layout.pnodes[vnode] })
        }
    }

    /// The host gets as much more on each physical node.
    func addHostMemory(_ frames: UInt64) {
        for pnode in hostTotal.indices {
            hostTotal[pnode] += frames
            hostFree[pnode] += frames
        }
    }

    /// The kernel hands out so many other free blocks of the vnode's node before this one.
    public func handOutLater(block: Int, behind others: Int, vnode: Int) {
        nodes[vnode].free.removeAll { $0 == block }
        nodes[vnode].free.insert(block, at: nodes[vnode].free.count - others)
    }
}
