internal import Logging

// Memory of other physical nodes, where the toolstack allows it for a vnode whose own node is full.
extension BalloonEngine {
    /// Takes in which vnodes may have such memory. A vnode that is held because its physical node is full is tried
    /// again at once.
    func takeAllowance(_ vnodes: Set<Int>) {
        guard vnodes != allowedElsewhere else { return }
        let added = vnodes.subtracting(allowedElsewhere).sorted()
        allowedElsewhere = vnodes
        guard let mover = guest.mover.otherPNodes else {
            if !added.isEmpty {
                log.warning(
                    "allow-other-pnode is not followed: \(guest.mover.name) takes memory from the vnode's own physical node only"
                )
            }
            return
        }
        mover.vnodesAllowed = vnodes
        guard !added.isEmpty else { return }
        log.notice("memory may come from other physical nodes", metadata: ["vnodes": "\(added)"])
        controller.startAfresh()
    }

    /// How much memory of each vnode came from other physical nodes, at most. A vnode is missing where that is not
    /// known.
    var elsewhere: [Int: Frames] {
        guard let mover = guest.mover.otherPNodes else { return [:] }
        let known = guest.mover.vnodes.compactMap { vnode in
            mover.otherPNodeFrames(vnode: vnode.number).map { (vnode.number, $0) }
        }
        return Dictionary(uniqueKeysWithValues: known)
    }

    /// Logs when a vnode gets its first such memory, and when the last of it went back.
    func noteElsewhere(_ vnode: Int) {
        guard let frames = guest.mover.otherPNodes?.otherPNodeFrames(vnode: vnode) else { return }
        let had = haveElsewhere.contains(vnode)
        guard had != (frames > .zero) else { return }
        if had {
            haveElsewhere.remove(vnode)
            log.notice("vnode \(vnode): the memory of other physical nodes went back")
        } else {
            haveElsewhere.insert(vnode)
            log.warning(
                "vnode \(vnode): its physical node is full, and memory of other ones is taken (allow-other-pnode)")
        }
    }
}
