/// Keeps descriptors open when this process ends, so that no given page is ever unpinned.
///
/// Names are the same from one process to the next: what a new process keeps under a name takes the place of what an
/// earlier one kept there. There are no generations.
public protocol DescriptorKeeper: AnyObject {
    /// Has `descriptor` kept under a name until ``drop(_:)``, in place of what was kept there. When it returns, the
    /// kill of this process no longer closes it.
    /// - Throws: `.system` or `.busy`: it is not kept, and nothing that relies on it may be given.
    func keep(_ name: String, _ descriptor: FileDescriptor) throws(BalloonError)

    /// Closes what is kept under a name, before it returns. Best effort: what stays only pins memory that is ours.
    func drop(_ name: String)

    /// What is kept under a name, whoever had it kept; nil where there is nothing.
    func kept(_ name: String) -> FileDescriptor?

    /// What is kept under names that begin so, whoever had it kept. Best effort: empty where nobody keeps anything.
    func kept(prefix: String) -> [(name: String, descriptor: FileDescriptor)]
}
