import VNodeBalloon

// The checks after every step.
extension Machine {
    func violate(_ what: String) { violations.append("step \(steps): \(what)") }

    /// Checks that no frame is lost or comes from nowhere, and that no hole is without a pin.
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
                // A block that another program freed with holes may come back to the balloon.
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

    /// How many frames of a vnode are ballooned out, counted frame by frame.
    public func holes(vnode: Int) -> UInt64 {
        nodes[vnode].slots.reduce(0) { sum, page in
            guard let block = page.block else { return sum }
            return sum + UInt64(frames.count(block: block) { $0.kind == .hole })
        }
    }

    /// Checks every frame: the counts are right, and only balloons have holes.
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

    /// Whether each file's name leads to that file.
    public var areFilesNamed: Bool { nodes.allSatisfy { $0.fileName == .ours } }

    /// What must be as before once all balloons are empty: Xen's counts by physical node, and the guest's pools.
    public struct Fingerprint: Equatable, Sendable {
        public var mapped: [UInt64]
        public var reservation: UInt64
        public var poolTotals: [Int]
        public var poolFree: [Int]
        public var slots: [Int]
        /// How many frames of each vnode are on the vnode's physical node.
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
