/// Keeps descriptors open when this process ends, so that no given page is ever unpinned.
public protocol DescriptorKeeper: AnyObject {
    /// Has `descriptor` kept under a name until ``drop(_:)``. When it returns, the kill of this process no longer
    /// closes it.
    /// - Throws: `.system` or `.busy`: it is not kept, and nothing that relies on it may be given.
    func keep(_ name: String, _ descriptor: FileDescriptor) throws(BalloonError)

    /// Closes what is kept under a name. Best effort: what stays only pins memory that is ours.
    func drop(_ name: String)

    /// Closes what earlier processes had kept and this one has not.
    func dropEarlier()
}
