/// A mover that can take a vnode's memory back from another physical node, where the toolstack allows it
/// (`allow-other-pnode`) and the vnode's own has no more.
public protocol OtherPNodes: AnyObject {
    /// The vnodes that may.
    var vnodesAllowed: Set<Int> { get set }
    /// How much memory of a vnode came so, at most: Xen does not say what it took from where. It goes down as such memory is
    /// given again. nil: not known.
    func otherPNodeFrames(vnode: Int) -> Frames?
}
