public import VNodeBalloon

/// Xen, as its source describes it.
// Safe to use: the list is this object's own memory.
@safe
public final class SimulatedXen: Hypervisor {
    public let extents: ExtentBuffer
    private let storage: UnsafeMutableBufferPointer<UInt64>
    private let machine: Machine

    public init(_ machine: Machine, capacity: Int = 512) {
        self.machine = machine
        unsafe storage = .allocate(capacity: capacity)
        unsafe storage.initialize(repeating: 0)
        unsafe extents = ExtentBuffer(unsafeMemory: storage)
    }

    deinit { unsafe storage.deallocate() }

    public func decreaseReservation() throws(BalloonError) -> Int {
        try machine.step("decrease \(extents.count) of order \(extents.order)", .move) { fault in
            machine.decrease(list, order: extents.order, fault)
        }
    }

    public func populatePhysmap(vnode: Int?, from source: MemorySource) throws(BalloonError) -> Int {
        try machine.step("populate \(extents.count) of order \(extents.order) from \(source)", .move) { fault in
            machine.populate(list, order: extents.order, vnode: vnode, source, fault)
        }
    }

    public func currentReservation() throws(BalloonError) -> Frames {
        try machine.step("current reservation") { _ in Frames(machine.currentReservation) }
    }

    public func maximumReservation() throws(BalloonError) -> Frames {
        try machine.step("maximum reservation") { _ in Frames(machine.maximumReservation) }
    }

    /// HVMOP_get_mem_type. It is not a step: it changes nothing, so a kill at a probe is the same as a kill before the
    /// next step.
    public func memoryType(of gfn: UInt64) throws(BalloonError) -> MemoryType {
        if machine.isKilled { throw .killed }
        machine.probes += 1
        if machine.probes == machine.refusedProbe { throw .injected }
        machine.clock += Machine.probeTime
        machine.unprobed.remove(Int(gfn >> 9))
        let type = machine.memoryType(of: gfn)
        if let (probe, returned) = machine.migrationAtProbe, probe == machine.probes { machine.migrate(returned) }
        return type
    }

    public func vnumaTopology() throws(BalloonError) -> VNUMATopology? { machine.layout.topology }

    public func isBeingSent() throws(BalloonError) -> Bool {
        try machine.step("is it being sent") { _ in machine.isLogDirty }
    }

    public func suspension() -> Suspension { Suspension(suspended: machine.suspended) }

    private var list: [UInt64] { (0..<extents.count).map { extents[$0] } }
}

extension Machine {
    /// CONFIG_DOMU_MAX_ORDER.
    static let maxOrder = 9

    func memoryType(of gfn: UInt64) -> MemoryType {
        switch frames[gfn].kind {
        case .hole: return .hole
        case .special: return MemoryType(rawValue: 4)
        case .ram, .stuck, .foreign: return isLogDirty ? .ramLogDirty : .ram
        }
    }

    // MARK: XENMEM_decrease_reservation

    /// Removes frame by frame. At the first frame that cannot be removed it ends. That extent is not counted, but its
    /// frames before that one are gone.
    func decrease(_ list: [UInt64], order: Int, _ fault: Fault?) -> Int {
        guard order <= Self.maxOrder else { return 0 }
        defer { merge(list, order) }
        for (index, gfn) in list.enumerated() {
            var size: UInt64 = 1 << UInt64(order)
            if case .short(let extents, let part)? = fault, index >= extents { size = min(size - 1, UInt64(part)) }
            let done = remove(gfn, count: size)
            if done == 1 << UInt64(order) { continue }
            tally.note(done < size ? .refused : .shortCount)
            if done > 0 { tally.note(.partialExtent) }
            return index
        }
        return list.count
    }

    private func remove(_ first: UInt64, count: UInt64) -> UInt64 {
        if count == 0 { return 0 }
        for block in Int(first >> 9)...Int((first + count - 1) >> 9)
        where page(of: block)?.isKept != true && !(page(of: block) != nil && isInKeptPipe(block)) {
            violate("I2: a frame of block \(block) was given and is not ours and pinned")
        }
        let block = Int(first >> 9)
        if count == 512, first & 511 == 0, referenced.isEmpty, let frame = frames.uniform(block: block) {
            guard frame.kind == .ram else { return 0 }
            frames.set(block: block, to: GuestFrame(.hole, pnode: frame.pnode))
            mapped[frame.pnode] -= 512
            hostFree[frame.pnode] += 512
            return 512
        }
        for gfn in first..<first + count {
            let frame = frames[gfn]
            guard frame.kind == .ram else { return gfn - first }
            frames[gfn] = GuestFrame(.hole, pnode: frame.pnode)
            mapped[frame.pnode] -= 1
            if referenced.remove(gfn) != nil {
                tally.note(.referenced)
                zombies[frame.pnode] += 1
            } else {
                hostFree[frame.pnode] += 1
            }
        }
        return count
    }

    /// The page of a balloon's file that lies in this block. Only such frames may be given, and only if a pin that
    /// outlives this process pins them.
    private func page(of block: Int) -> Node.Page? {
        guard block < layout.blockCount, case .ours(let slot) = uses[block] else { return nil }
        return nodes[layout.vnode(ofBlock: block)].slots[slot]
    }

    private func merge(_ list: [UInt64], _ order: Int) {
        var last = -1
        for gfn in list {
            for block in Int(gfn >> 9)...Int((gfn + (1 << UInt64(order)) - 1) >> 9) where block != last {
                frames.merge(block: block)
                last = block
            }
        }
    }

    // MARK: XENMEM_populate_physmap

    func populate(
        _ list: [UInt64], order: Int, vnode: Int?, _ source: MemorySource = .ownPNode, _ fault: Fault?
    ) -> Int {
        guard order <= Self.maxOrder else { return 0 }
        var node: Int?
        if let vnode, layout.hasVNUMA {
            guard layout.pnodes.indices.contains(vnode) else { return 0 }
            node = layout.pnodes[vnode]
        }
        defer { merge(list, order) }
        for (index, gfn) in list.enumerated() {
            if case .short(let extents, _)? = fault, index >= extents {
                tally.note(.shortCount)
                return index
            }
            guard gfn + (1 << UInt64(order)) <= UInt64(layout.blockCount) * 512 else {
                violate("I3: frame \(gfn), behind all memory, was populated")
                return index
            }
            let own = allocate(order, from: node)
            guard let pnode = own ?? (source == .anyPNode ? allocateElsewhere(order) : nil) else { return index }
            if own == nil { tally.note(.otherPNode) }
            add(gfn, count: 1 << UInt64(order), from: pnode)
        }
        return list.count
    }

    /// Takes 2^order contiguous frames from a node; without a node, from the one with the most free memory.
    private func allocate(_ order: Int, from node: Int?) -> Int? {
        let size: UInt64 = 1 << UInt64(order)
        let pnode = node ?? hostFree.indices.max { hostFree[$0] < hostFree[$1] } ?? 0
        if currentReservation + size > maximumReservation {
            tally.note(.atMaximum)
            return nil
        }
        if hostFree[pnode] < size || order > 0 && isFragmented[pnode] {
            tally.note(.fullNode)
            return nil
        }
        hostFree[pnode] -= size
        return pnode
    }

    /// Takes frames from the physical node with the most free memory that has contiguous ones.
    private func allocateElsewhere(_ order: Int) -> Int? {
        let nodes = hostFree.indices.filter { order == 0 || !isFragmented[$0] }
        guard let pnode = nodes.max(by: { hostFree[$0] < hostFree[$1] }) else { return nil }
        return allocate(order, from: pnode)
    }

    /// Adds frames to the map. Xen does not check what is there. If it is RAM, that memory is lost without a word;
    /// anything else but a hole ends the domain.
    private func add(_ first: UInt64, count: UInt64, from pnode: Int) {
        let block = Int(first >> 9)
        if isLogDirty { unsent.formUnion(first..<first + count) }
        if page(of: block) == nil && !lost.contains(block) {
            violate("I3: frame \(first) was populated and is not ours")
        }
        defer { if lost.contains(block) && isAllMemory(block) { lost.remove(block) } }
        if count == 512, first & 511 == 0, frames.uniform(block: block)?.kind == .hole {
            frames.set(block: block, to: GuestFrame(.ram, pnode: pnode))
            mapped[pnode] += 512
            return
        }
        for gfn in first..<first + count {
            let frame = frames[gfn]
            if frame.kind != .hole { violate("I3: frame \(gfn) was populated and is \(frame.kind)") }
            if frame.isOwn {
                mapped[frame.pnode] -= 1
                leaked[frame.pnode] += 1
            }
            frames[gfn] = GuestFrame(.ram, pnode: pnode)
            mapped[pnode] += 1
        }
    }
}
