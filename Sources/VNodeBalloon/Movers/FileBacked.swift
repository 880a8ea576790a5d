/// A mover that keeps the pages it gave in files of ours, and writes notes about its moves. Other programs can change
/// the files, and writing a note can fail.
public protocol FileBacked: AnyObject {
    /// Whether the vnode's file is what it was. Cheap: no page is read.
    func file(vnode: Int) throws(BalloonError) -> FileCondition
    /// Begins with a new file, once all memory of a removed file is back. Before that it does nothing. The caller must
    /// begin a recovery afterwards.
    /// - Returns: whether it made a new file.
    func renewFile(vnode: Int) throws(BalloonError) -> Bool
    /// Frees slots that had to wait because the domain was being migrated, or because they were too many for one step.
    func tidy(vnode: Int) throws(BalloonError) -> Tidying

    /// Whether an extent that left the file may become RAM again when the vnode is audited anew, because its frames are
    /// known.
    func mayBringBack(vnode: Int) -> Bool
    /// Tries to make one such extent RAM again.
    /// - Returns: whether that worked. Then an audit of the vnode does the same for the rest, and drops their pins.
    func bringBack(vnode: Int) throws(BalloonError) -> Bool

    /// The error of a note that could not be written and did not stop a step. Each error is returned once.
    func takeWarning() -> BalloonError?
}

/// The result of ``FileBacked/tidy(vnode:)``.
public enum Tidying: Equatable, Sendable {
    /// Nothing waits.
    case done
    /// There is more: call again at once.
    case more
    /// It waits for the end of a migration.
    case waiting
}

/// What other programs did to a balloon's file.
public enum FileCondition: Sendable {
    case whole
    /// The file was removed, or its name leads to another file: all of the balloon must come back.
    case removed
    /// It is shorter or longer than it was, or pages of it are gone: a recovery helps.
    case damaged
}
