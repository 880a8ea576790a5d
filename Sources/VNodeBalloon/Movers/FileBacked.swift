/// A mover that keeps what it gave in files of ours, and books of it. Other programs reach the files; a write can fail.
public protocol FileBacked: AnyObject {
    /// Whether the vnode's file is what it was. Cheap: no page is read.
    func file(vnode: Int) throws(BalloonError) -> FileCondition
    /// Begins with a new file, once all of a removed one's memory is back; before that it does nothing. A recovery is to
    /// follow.
    /// - Returns: whether there is a new file.
    func renewFile(vnode: Int) throws(BalloonError) -> Bool
    /// Frees what had to wait because the domain was being migrated, or because it was too much for one step.
    func tidy(vnode: Int) throws(BalloonError) -> Tidying

    /// Some of what left the file may become memory again when the vnode is audited anew: its frames are known.
    func mayBringBack(vnode: Int) -> Bool
    /// Tries to make one extent of it memory again.
    /// - Returns: whether that worked: then an audit of the vnode does the same for the rest, and drops their pins.
    func bringBack(vnode: Int) throws(BalloonError) -> Bool

    /// A note that could not be written, without standing in the way of a step; taken once.
    func takeWarning() -> BalloonError?
}

/// What came of ``FileBacked/tidy(vnode:)``.
public enum Tidying: Equatable, Sendable {
    /// Nothing waits.
    case done
    /// There is more: call again at once.
    case more
    /// It waits until the domain is not being migrated any more.
    case waiting
}

/// What other programs did to a balloon's file.
public enum FileCondition: Sendable {
    case whole
    /// Its name is gone, or leads to another file: all of the balloon must come back.
    case removed
    /// It is shorter or longer than it was, or pages of it are gone: a recovery helps.
    case damaged
}
