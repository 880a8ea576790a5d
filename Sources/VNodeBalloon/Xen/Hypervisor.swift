/// What the balloon asks of Xen.
///
/// The calls that move memory return how many extents were done, as Xen does: a short count is progress, not an
/// error, and says nothing about its cause. They pass what lies in ``extents``.
public protocol Hypervisor: DomainFigures {
    /// The list of extents that the next call passes to Xen. Its contents stay as they are over a call.
    var extents: ExtentBuffer { get }

    /// Gives the listed extents to Xen.
    ///
    /// The hypercall behind it is XENMEM_decrease_reservation. An extent that is not counted may have lost part of
    /// its frames.
    /// - Returns: extents done, from the start of the list.
    /// - Throws: `.privcmdLocked`, `.hypercall`.
    func decreaseReservation() throws(BalloonError) -> Int

    /// Backs the listed extents with memory. They must be holes: Xen replaces what is there without an error.
    ///
    /// The hypercall behind it is XENMEM_populate_physmap, with XENMEMF_vnode.
    /// - Parameters:
    ///   - vnode: whose physical node the memory comes from; nil where the domain has no vNUMA.
    ///   - source: whether it may come from another one where that is full.
    /// - Returns: extents done, from the start of the list.
    /// - Throws: `.privcmdLocked`, `.hypercall`.
    func populatePhysmap(vnode: Int?, from source: MemorySource) throws(BalloonError) -> Int

    /// What is behind one frame (HVMOP_get_mem_type).
    func memoryType(of gfn: UInt64) throws(BalloonError) -> MemoryType
    /// The virtual NUMA layout, nil without one (XENMEM_get_vnumainfo).
    func vnumaTopology() throws(BalloonError) -> VNUMATopology?
    /// Whether the domain is being migrated: Xen keeps a log of what it writes (log-dirty).
    ///
    /// What is populated meanwhile is not in that log, and so it is missing in the new domain.
    /// - Throws: `.privcmdLocked`, `.hypercall`.
    func isBeingSent() throws(BalloonError) -> Bool
}

extension Hypervisor {
    /// Backs the listed extents with memory of the vnode's own physical node.
    public func populatePhysmap(vnode: Int?) throws(BalloonError) -> Int {
        try populatePhysmap(vnode: vnode, from: .ownPNode)
    }
}

/// Where a vnode's memory may come from.
public enum MemorySource: Equatable, Sendable {
    /// From its physical node and no other (exact-node-request).
    case ownPNode
    /// From its physical node first. Xen takes what that one lacks from others, and does not say how much it was.
    case anyPNode
}
