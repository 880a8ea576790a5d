/// A mover that can take a vnode's memory back from another physical node. It does so where the toolstack allows it
/// (`allow-other-pnode`) and the vnode's own node has no more memory.
public protocol OtherPNodes: AnyObject {
    /// The vnodes for which the toolstack allows it.
    var vnodesAllowed: Set<Int> { get set }
    /// An upper bound of a vnode's memory that came from other nodes: Xen does not say which node it took memory from.
    /// The number falls as such memory is given again. nil: not known.
    func otherPNodeFrames(vnode: Int) -> Frames?
}
