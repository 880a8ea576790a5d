/// A mover that can say slot by slot what it gave: an extent is a slot.
public protocol SlotAuditing: AnyObject {
    /// The number of slots of a vnode, for a caller that audits in slices.
    func slotCount(vnode: Int) -> Int
    /// Extents of the vnode that cannot be taken back. They are not part of the balloon. Either the kernel does not map
    /// the page any more, or another program took it out of the file while no daemon ran, or it is not known whether
    /// Xen has the memory.
    func lostExtents(vnode: Int) -> Int

    /// Compares what Xen says with what this process believes, slot by slot. Changes nothing.
    /// - Parameters:
    ///   - slots: which slots of the vnode; clamped to the existing ones.
    ///   - everyFrame: all 512 frames of an extent instead of its first and last.
    func audit(vnode: Int, slots: Range<Int>, everyFrame: Bool) throws(BalloonError) -> [AuditFinding]
    /// Asks Xen about every frame of some slots and takes over the answers, so that the next steps mend what they can.
    /// A slot whose page is gone or has changed is skipped: the caller begins a recovery once it has gone through all
    /// slots.
    /// - Parameter slots: clamped to the existing ones.
    /// - Throws: `.looking` while the vnode is not known.
    func lookAgain(vnode: Int, slots: Range<Int>) throws(BalloonError)
}
