extension HostDomain {
    /// What the domain may still take of a physical node: of what Xen counts as given, all that its targets do not ask it to keep
    /// there. A vnode whose node is not known may take from any.
    /// - Parameter targets: as if these were its targets, by vnode.
    func taking(of pnode: Int, _ targets: [Int: KiB] = [:]) -> KiB {
        let there = vnodes.filter { $0.pnode == pnode || $0.pnode == nil }
        func goal(_ vnode: HostVNode) -> KiB? {
            (targets[vnode.number] ?? vnode.target).map { $0.roundedDown(to: vnode.grain) }
        }
        let told = there.reduce(KiB.zero) { sum, vnode in
            sum + (goal(vnode).map { (vnode.balloon ?? .zero).less($0) } ?? .zero)
        }
        guard !there.isEmpty, let counted = counted, let claimed = claimed else { return told }
        guard contradiction != nil else {
            // On its way, and Xen has not given it yet what it says that it has taken.
            let untold = counted.less(claimed)
            return untold > Self.tolerance ? told + untold : told
        }
        // The guest's word does not count, so all of its balloon may lie on this node, in the vnode with the smallest
        // target.
        let room = there.reduce(KiB.zero) { $0 + $1.size.less(goal($1) ?? $1.size) }
        let least = there.compactMap(goal).min() ?? counted
        return max(told, min(room, counted.less(least)))
    }

    /// What a vnode has given at most, as Xen counts it where the domain's own word does not count.
    ///
    /// A guest may say less than it has given while it says that it moves. What Xen counts beyond all that its vnodes say may
    /// then be this one's: with less for a target it could take that back, and nobody measured it free.
    func mostGiven(_ vnode: HostVNode) -> KiB? {
        guard let told = vnode.balloon else { return nil }
        guard let counted = counted else { return told }
        if contradiction != nil { return max(told, min(vnode.size, counted)) }
        let untold = counted.less(vnodes.reduce(.zero) { $0 + ($1.balloon ?? .zero) })
        return untold > Self.tolerance ? max(told, min(vnode.size, told + untold)) : told
    }
}
