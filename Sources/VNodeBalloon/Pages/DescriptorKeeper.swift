/// Keeps descriptors open when this process ends, so that no given page is ever unpinned.
///
/// Names are the same from one process to the next: what a new process keeps under a name takes the place of what an
/// earlier one kept there. There are no generations.
public protocol DescriptorKeeper: AnyObject {
    /// Has `descriptor` kept under a name until ``drop(_:)``, in place of what was kept there. When it returns, the
    /// kill of this process no longer closes it.
    ///
    /// After an error it is not known which of the two is kept; nothing that relies on the new one may be given. The old one
    /// is not closed, here or there, before that is known.
    /// - Throws: `.busy`, `.descriptors`, `.environment`, `.system`.
    func keep(_ name: String, _ descriptor: FileDescriptor) throws(BalloonError)

    /// Closes what is kept under a name: now, or as soon as the keeper answers again. The keeper does not empty a pin:
    /// the caller lets go of its pages.
    func drop(_ name: String)

    /// What is kept under a name, by this process or an earlier one; nil: nothing, for sure.
    /// - Throws: `.busy`, `.descriptors`, `.system`: it is not known.
    func kept(_ name: String) throws(BalloonError) -> FileDescriptor?

    /// The names, in order, that begin so and that this process or an earlier one keeps something under; empty: none,
    /// for sure.
    /// - Throws: `.busy`, `.descriptors`, `.system`: it is not known.
    func keptNames(prefix: String) throws(BalloonError) -> [String]

    /// Makes sure that all that was kept is kept still, before more relies on it.
    /// - Throws: `.busy`, `.descriptors`, `.environment`, `.system`.
    func restoreIfLost() throws(BalloonError)
}

/// A keeper that outlives this process. It may end, too, and must then be replaced.
package protocol OutlivingKeeper: DescriptorKeeper {
    /// Readable when it has ended.
    var descriptor: Int32? { get }
    /// Nothing needs to be kept any more, and it ends, too.
    func dropAll()
}

/// How names of what is kept begin.
enum KeptName {
    /// Of pages that may be holes and cannot be taken back: they stay pinned even when the balloon is empty.
    static let lostPrefix = "lost."
}
