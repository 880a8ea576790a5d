public import VNodeBalloon

/// A vnode's huge pages: the pool, the file and the pins. Each kernel call is a step.
public final class SimulatedReserve: PageReserve {
    private let machine: Machine
    private let vnode: Int
    public private(set) var slotCount: Int
    private var recovered = 0

    public init(_ machine: Machine, vnode: Int) {
        self.machine = machine
        self.vnode = vnode
        slotCount = machine.nodes[vnode].slots.count
    }

    private func step<T>(
        _ name: @autoclosure () -> String, _ kind: StepKind = .other, _ body: (Fault?) throws(BalloonError) -> T
    ) throws(BalloonError) -> T {
        try machine.step("vnode \(vnode): \(name())", kind, body)
    }

    public func foreignPoolPages() throws(BalloonError) -> Int {
        try step("pool pages of others") { _ in machine.poolTotal(vnode) - machine.nodes[vnode].pages }
    }

    // MARK: The file

    public func lookAtFile() throws(BalloonError) -> FoundFile {
        try step("look at the file") { _ in
            let node = machine.nodes[vnode]
            return FoundFile(slots: node.slots.count, pages: node.pages, name: node.fileName)
        }
    }

    public func removeFromPool(_ pages: Int) throws(BalloonError) {
        guard pages > 0 else { return }
        machine.forgetError()
        try step("take \(pages) pages out of the pool") { _ in machine.shrinkPool(vnode, by: pages) }
    }

    public func renew() throws(BalloonError) {
        try step("make a new file") { (_) throws(BalloonError) in
            guard machine.nodes[vnode].slots.isEmpty else { throw .injected }
            machine.nodes[vnode].fileName = .ours
            slotCount = 0
        }
    }

    // MARK: Growing

    public func acquire(_ count: Int) throws(BalloonError) -> [UInt64] {
        let grown = try step("grow the pool by \(count)", .pages) { fault in
            var wanted = count
            if case .fewer(let pages)? = fault { wanted = min(wanted, pages) }
            let grown = machine.growPool(vnode, by: wanted)
            if grown < count { machine.tally.note(.noMemory) }
            return grown
        }
        guard grown > 0 else { return [] }
        let first = slotCount
        do throws(BalloonError) {
            let slots = try fill(first..<first + grown)
            slotCount = first + slots
            if slots < grown {
                try resize(to: slotCount)
                try shrinkPool(by: grown - slots)
            }
            return machine.firstFrames(vnode, first..<slotCount).compactMap(\.self)
        } catch {
            slotCount = first
            try? unpin(from: first)
            // Pages that are still in the file are not in the pool. To shrink it then would take away another program's
            // pages.
            if (try? resize(to: first)) != nil { try? shrinkPool(by: grown) }
            throw error
        }
    }

    /// Lengthens the file, faults its pages in, pins them, and has the keeper keep the pins.
    private func fill(_ slots: Range<Int>) throws(BalloonError) -> Int {
        try resize(to: slots.upperBound)
        var end = slots.lowerBound
        while end < slots.upperBound {
            let slot = end
            let isThere = try step("fault slot \(slot) in", .pages) { fault in
                var isThere = false
                if case .fewer? = fault {} else { isThere = machine.fault(vnode, slot) }
                if !isThere { machine.tally.note(.noMemory) }
                return isThere
            }
            if !isThere { break }
            end += 1
        }
        let pinned = slots.lowerBound..<end
        try step("pin \(pinned)") { _ in
            for slot in pinned { machine.nodes[vnode].slots[slot].isPinnedHere = true }
        }
        try step("keep the pin of \(pinned)") { _ in
            for slot in pinned { machine.nodes[vnode].slots[slot].isKept = true }
        }
        return pinned.count
    }

    // MARK: Reading and shrinking

    public func pages(of slots: Range<Int>) throws(BalloonError) -> [SlotPage] {
        try step("read the frames of \(slots)") { _ in
            machine.pages(vnode, slots)
        }
    }

    public func release(keeping slots: Int) throws(BalloonError) {
        let removed = slotCount - slots
        guard removed > 0 else { return }
        try unpin(from: slots)
        let before = machine.nodes[vnode].poolFree.count
        try resize(to: slots)
        slotCount = slots
        try? shrinkPool(by: max(0, min(removed, machine.nodes[vnode].poolFree.count - before)))
    }

    private func unpin(from slot: Int) throws(BalloonError) {
        try step("unpin from slot \(slot)") { _ in machine.unpin(vnode, from: slot) }
    }

    private func resize(to slots: Int) throws(BalloonError) {
        try step("resize the file to \(slots)") { _ in machine.resize(vnode, to: slots) }
    }

    private func shrinkPool(by count: Int) throws(BalloonError) {
        guard count > 0 else { return }
        // The kernel never refuses to shrink the pool.
        machine.forgetError()
        try step("shrink the pool by \(count)") { _ in machine.shrinkPool(vnode, by: count) }
    }

    public func punch(_ slots: [Int]) throws(BalloonError) {
        for slot in slots.reversed() {
            try step("punch slot \(slot)") { _ in machine.release(vnode: vnode, slot: slot) }
            try shrinkPool(by: 1)
        }
    }

    public var strayPins: Int { 0 }
    public var strayPages: Int { 0 }
    public func notePagesLost(_ slots: [Int]) {}

    // MARK: After a start

    public func beginRecovery() throws(BalloonError) {
        // The slots behind that were never given.
        if machine.nodes[vnode].slots.count > slotCount { try resize(to: slotCount) }
        slotCount = machine.nodes[vnode].slots.count
        recovered = 0
    }

    public func recoverNext() throws(BalloonError) -> [SlotPage] {
        let slots = recovered..<min(slotCount, recovered + 8)
        for slot in slots {
            try step("map and pin slot \(slot)") { _ in
                // A read of a slot without a page faults one in, if the pool has any.
                if machine.nodes[vnode].slots[slot].block == nil, !machine.fault(vnode, slot) { return }
                machine.nodes[vnode].slots[slot].isPinnedHere = true
            }
        }
        recovered = slots.upperBound
        return machine.pages(vnode, slots)
    }

    public func endRecovery(after move: BrokenMove, isAllBack: Bool) throws(BalloonError) -> Bool {
        if slotCount > 0 {
            try step("keep the pins") { _ in
                for slot in 0..<slotCount where machine.nodes[vnode].slots[slot].isPinnedHere {
                    machine.nodes[vnode].slots[slot].isKept = true
                }
            }
        }
        if case .noted(let interrupted) = move {
            let surplus = try foreignPoolPages() - interrupted.foreignPoolPages
            try shrinkPool(by: max(0, min(surplus, interrupted.poolPages)))
        }
        return true
    }
}
