/// The calls that the balloon makes to Xen.
///
/// The calls that move memory return how many extents were done, as Xen does. A short count is progress, not an error,
/// and does not tell its cause. These calls pass the list in ``extents``.
public protocol Hypervisor: DomainFigures {
    /// The list of extents that the next call passes to Xen. A call does not change it.
    var extents: ExtentBuffer { get }

    /// Gives the listed extents to Xen.
    ///
    /// The hypercall is XENMEM_decrease_reservation. An extent that Xen does not count may have lost part of its
    /// frames.
    /// - Returns: extents done, from the start of the list.
    /// - Throws: `.privcmdLocked`, `.hypercall`.
    func decreaseReservation() throws(BalloonError) -> Int

    /// Backs the listed extents with memory. They must be holes: Xen silently replaces memory that is already there.
    ///
    /// The hypercall is XENMEM_populate_physmap, with XENMEMF_vnode.
    /// - Parameters:
    ///   - vnode: the memory comes from this vnode's physical node; nil where the domain has no vNUMA.
    ///   - source: whether the memory may come from another physical node where that one is full.
    /// - Returns: extents done, from the start of the list.
    /// - Throws: `.privcmdLocked`, `.hypercall`.
    func populatePhysmap(vnode: Int?, from source: MemorySource) throws(BalloonError) -> Int

    /// What Xen has behind one frame (HVMOP_get_mem_type).
    func memoryType(of gfn: UInt64) throws(BalloonError) -> MemoryType
    /// The same of several frames, at most ``ExtentBuffer/framesPerExtent``, which lie `step` apart.
    /// - Throws: `.privcmdLocked`, `.hypercall`: an error with one frame is the error of all.
    func memoryTypes(from first: UInt64, every step: UInt64, count: Int) throws(BalloonError) -> [MemoryType]
    /// The virtual NUMA layout, nil without one (XENMEM_get_vnumainfo).
    func vnumaTopology() throws(BalloonError) -> VNUMATopology?
    /// Whether the domain is being migrated: Xen keeps a log of what it writes (log-dirty).
    ///
    /// Memory that is populated meanwhile is not in that log, so it is missing in the new domain.
    /// - Throws: `.privcmdLocked`, `.hypercall`.
    func isBeingSent() throws(BalloonError) -> Bool
}

extension Hypervisor {
    /// Backs the listed extents with memory of the vnode's own physical node.
    public func populatePhysmap(vnode: Int?) throws(BalloonError) -> Int {
        try populatePhysmap(vnode: vnode, from: .ownPNode)
    }

    public func memoryTypes(
        from first: UInt64, every step: UInt64, count: Int
    ) throws(BalloonError) -> [MemoryType] {
        var types: [MemoryType] = []
        types.reserveCapacity(count)
        for place in 0..<UInt64(count) { types.append(try memoryType(of: first + place * step)) }
        return types
    }

    /// What Xen has behind each frame of an extent.
    func memoryTypes(ofExtent first: UInt64) throws(BalloonError) -> [MemoryType] {
        try memoryTypes(from: first, every: 1, count: Int(ExtentBuffer.framesPerExtent))
    }

    /// What Xen has behind the first and the last frame of an extent.
    func memoryTypes(atEndsOf first: UInt64) throws(BalloonError) -> [MemoryType] {
        try memoryTypes(from: first, every: ExtentBuffer.framesPerExtent - 1, count: 2)
    }
}

/// Where a vnode's memory may come from.
public enum MemorySource: Equatable, Sendable {
    /// From its physical node and no other (exact-node-request).
    case ownPNode
    /// From its physical node first. Where that has too little, Xen takes the rest from others, and does not say how
    /// much.
    case anyPNode
}
