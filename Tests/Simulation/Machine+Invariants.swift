import VNodeBalloon

// What must hold after every step.
extension Machine {
    func violate(_ what: String) { violations.append("step \(steps): \(what)") }

    /// No frame comes from nowhere or is lost; no hole is without a pin.
    func checkInvariants(_ name: @autoclosure () -> String) {
        if !limbo.isEmpty { settleLimbo() }
        for pnode in hostTotal.indices {
            let found = hostFree[pnode] + hostTaken[pnode] + mapped[pnode] + zombies[pnode] + leaked[pnode]
            if found != hostTotal[pnode] {
                violate("I5: \(name()): pnode \(pnode) has \(found) of \(hostTotal[pnode]) frames")
            }
        }
        for vnode in nodes.indices {
            for (slot, page) in nodes[vnode].slots.enumerated() where !page.isPinned {
                // What Linux was given back as a hole may come to us again.
                guard let block = page.block, !isAllMemory(block), !lost.contains(block), !isInPipe(block) else {
                    continue
                }
                violate("I4: \(name()): slot \(slot) of vnode \(vnode) is a hole without a pin")
            }
        }
    }

    /// Whether none of a block's frames is a hole.
    func isAllMemory(_ block: Int) -> Bool {
        if let frame = frames.uniform(block: block) { return frame.kind != .hole }
        return frames.count(block: block) { $0.kind == .hole } == 0
    }

    func countMapped(_ pnode: Int) -> UInt64 {
        (0..<layout.blockCount).reduce(0) { sum, block in
            sum + UInt64(frames.count(block: block) { $0.isOwn && $0.pnode == pnode })
        }
    }

    /// Frames of a vnode that Xen has, by looking at each.
    public func holes(vnode: Int) -> UInt64 {
        nodes[vnode].slots.reduce(0) { sum, page in
            guard let block = page.block else { return sum }
            return sum + UInt64(frames.count(block: block) { $0.kind == .hole })
        }
    }

    /// Looks at every frame: the books are right, and nothing but the balloon has holes.
    public func audit() {
        checkInvariants("audit")
        for pnode in mapped.indices where countMapped(pnode) != mapped[pnode] {
            violate("I5: audit: pnode \(pnode) has \(countMapped(pnode)) frames mapped, booked are \(mapped[pnode])")
        }
        for block in uses.indices where !isAllMemory(block) && !lost.contains(block) {
            if case .ours = uses[block] { continue }
            if uses[block] == .kernel { continue }
            violate("I1: audit: block \(block) is in use (\(uses[block])) and has a hole")
        }
    }

    /// Each balloon's file is where its name leads.
    public var areFilesNamed: Bool { nodes.allSatisfy { $0.fileName == .ours } }

    /// What must be as it was once all balloons are gone: Xen's counts by physical node, and the guest's pools.
    public struct Fingerprint: Equatable, Sendable {
        public var mapped: [UInt64]
        public var reservation: UInt64
        public var poolTotals: [Int]
        public var poolFree: [Int]
        public var slots: [Int]
        /// Frames of each vnode on its own physical node.
        public var atHome: [UInt64]
    }

    public var fingerprint: Fingerprint {
        let atHome = layout.pnodes.indices.map { vnode in
            layout.blocks(of: vnode).reduce(UInt64(0)) { sum, block in
                sum + UInt64(frames.count(block: block) { $0.isOwn && $0.pnode == layout.pnodes[vnode] })
            }
        }
        return Fingerprint(
            mapped: mapped, reservation: currentReservation, poolTotals: nodes.indices.map(poolTotal),
            poolFree: nodes.map(\.poolFree.count), slots: nodes.map(\.slots.count), atHome: atHome)
    }
}
