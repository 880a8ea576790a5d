internal import BalloonCore

extension HostDomain {
    /// What the domain may still take of a physical node: of what Xen counts as given, all that its targets do not ask it to keep
    /// there. A vnode whose node nobody knows takes from any.
    /// - Parameter targets: as if these were its targets, by vnode.
    func takingKiB(of pnode: Int, _ targets: [Int: UInt64] = [:]) -> UInt64 {
        let there = vnodes.filter { $0.pnode == pnode || $0.pnode == nil }
        func goal(_ vnode: HostVNode) -> UInt64? {
            (targets[vnode.number] ?? vnode.targetKiB).map { $0 / vnode.grainKiB * vnode.grainKiB }
        }
        let told = there.reduce(UInt64(0)) { sum, vnode in
            sum + (goal(vnode).map { less(vnode.balloonKiB ?? 0, $0) } ?? 0)
        }
        guard !there.isEmpty, let counted = countedKiB, let claimed = claimedKiB else { return told }
        guard contradiction != nil else {
            // On its way, and Xen has not given it yet what it says that it has taken.
            let untold = less(counted, claimed)
            return untold > Self.toleranceKiB ? told + untold : told
        }
        // Its word is worth nothing, so all of its balloon may lie on this node, in whichever of its vnodes is asked for least.
        let room = there.reduce(UInt64(0)) { $0 + less($1.sizeKiB, goal($1) ?? $1.sizeKiB) }
        let least = there.compactMap(goal).min() ?? counted
        return max(told, min(room, less(counted, least)))
    }

    /// What a vnode has given at most, as Xen counts it where the domain's own word does not count.
    func mostGivenKiB(_ vnode: HostVNode) -> UInt64? {
        guard let told = vnode.balloonKiB else { return nil }
        guard contradiction != nil, let counted = countedKiB else { return told }
        return max(told, min(vnode.sizeKiB, counted))
    }
}
