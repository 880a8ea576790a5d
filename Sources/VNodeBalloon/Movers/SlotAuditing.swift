/// A mover that can say slot by slot what it gave: an extent is a slot.
public protocol SlotAuditing: AnyObject {
    /// Slots of a vnode, for slicing an audit.
    func slotCount(vnode: Int) -> Int
    /// Extents of the vnode that cannot be taken back: the kernel maps their page no more, it was taken out of the file
    /// while no daemon ran, or of which it is not known whether Xen has them. They are not part of the balloon.
    func lostExtents(vnode: Int) -> Int

    /// Compares Xen with what is believed, slot by slot. Nothing is changed.
    /// - Parameters:
    ///   - slots: which of the vnode's slots; clamped to those there are.
    ///   - everyFrame: all 512 frames of an extent instead of its first and last.
    func audit(vnode: Int, slots: Range<Int>, everyFrame: Bool) throws(BalloonError) -> [AuditFinding]
    /// Asks Xen about every frame of some slots and believes it, so that the next steps mend what they can. A slot whose
    /// page is gone or another one is left for a recovery, which is to come after all slots.
    /// - Parameter slots: clamped to those there are.
    /// - Throws: `.looking` while nothing is known of the vnode.
    func lookAgain(vnode: Int, slots: Range<Int>) throws(BalloonError)
}
