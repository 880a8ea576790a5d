extension Machine {
    /// How many frames of a vnode have memory of another physical node.
    public func elsewhere(vnode: Int) -> UInt64 {
        layout.blocks(of: vnode).reduce(0) { sum, block in
            sum + UInt64(frames.count(block: block) { $0.isOwn && $0.pnode != layout.pnodes[vnode] })
        }
    }

    /// Adds this much memory to each physical node of the host.
    func addHostMemory(_ frames: UInt64) {
        for pnode in hostTotal.indices {
            hostTotal[pnode] += frames
            hostFree[pnode] += frames
        }
    }

    /// Puts a free block behind `others` other free blocks, in the order in which the kernel hands them out.
    public func handOutLater(block: Int, behind others: Int, vnode: Int) {
        nodes[vnode].free.removeAll { $0 == block }
        nodes[vnode].free.insert(block, at: nodes[vnode].free.count - others)
    }
}
