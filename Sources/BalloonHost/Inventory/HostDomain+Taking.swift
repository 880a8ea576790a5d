extension HostDomain {
    /// How much memory of a physical node the domain may still take: all that Xen counts as given beyond what its
    /// targets ask it to give there. A vnode whose node is not known may take memory from any node.
    /// - Parameter targets: targets to use instead of the present ones, by vnode number.
    func taking(of pnode: Int, _ targets: [Int: KiB] = [:]) -> KiB {
        let there = vnodes.filter { $0.pnode == pnode || $0.pnode == nil }
        func goal(_ vnode: HostVNode) -> KiB? {
            (targets[vnode.number] ?? vnode.target).map { $0.roundedDown(to: vnode.grain) }
        }
        let told = there.reduce(KiB.zero) { sum, vnode in
            sum + (goal(vnode).map { (vnode.balloon ?? .zero).less($0) } ?? .zero)
        }
        guard !there.isEmpty, let counted = counted else { return told }
        if let claimed, contradiction == nil {
            // It is moving, and claims to have taken memory that Xen's count still shows as given.
            let untold = counted.less(claimed)
            return untold > Self.tolerance ? told + untold : told
        }
        // Its own sizes are nonsense, or contradict Xen's count. So all of its balloon may lie on this node, in the vnode with the
        // smallest target.
        let room = there.reduce(KiB.zero) { $0 + $1.size.less(goal($1) ?? $1.size) }
        let least = there.compactMap(goal).min() ?? counted
        return max(told, min(room, counted.less(least)))
    }

    /// The most that a vnode may have given. Where the domain's own word does not count, this goes by Xen's count.
    ///
    /// A guest that is moving may report less than it has given. Memory that Xen counts as given beyond all its vnodes'
    /// reports may then belong to this vnode. With a target below that, the guest could take it back although it was
    /// never measured free.
    ///
    /// A vnode whose report is nonsense may have given all that Xen counts.
    func mostGiven(_ vnode: HostVNode) -> KiB? {
        guard let told = vnode.balloon else { return counted.map { min(vnode.size, $0) } }
        guard let counted = counted else { return told }
        if contradiction != nil { return max(told, min(vnode.size, counted)) }
        let untold = counted.less(vnodes.reduce(.zero) { $0 + ($1.balloon ?? .zero) })
        return untold > Self.tolerance ? max(told, min(vnode.size, told + untold)) : told
    }
}
