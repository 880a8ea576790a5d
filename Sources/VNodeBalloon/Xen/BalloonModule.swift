/// The kernel module, which gives memory of a vnode to Xen and keeps its own list of what it gave (kmod/README.md).
///
/// It counts in extents of 2 MiB. Frame numbers are neither passed to it nor returned by it.
public protocol BalloonModule: AnyObject {
    /// The domain as Xen sees it. The call also clears the event that made ``descriptor`` readable.
    /// - Throws: `.system`.
    func state() throws(BalloonError) -> ModuleState
    /// - Throws: `.system`.
    func vnode(_ number: Int) throws(BalloonError) -> ModuleVNode
    /// Gives at most `extents` extents of a vnode to Xen.
    /// - Throws: `.system`.
    func give(vnode: Int, extents: Int) throws(BalloonError) -> ModuleMove
    /// Takes at most `extents` extents back.
    /// - Throws: `.system`.
    func release(vnode: Int, extents: Int) throws(BalloonError) -> ModuleMove
    /// PV: goes through `extents` of the vnode's extents, and exchanges those that are free for memory of its physical
    /// node.
    /// - Returns: how many came home. `.empty`: these were the vnode's last extents.
    /// - Throws: `.system`.
    func rehome(vnode: Int, extents: Int) throws(BalloonError) -> ModuleMove
    /// Asks Xen about every frame of the given extents in the range. Extent 0 was given longest ago.
    /// - Throws: `.system`.
    func audit(vnode: Int, extents: Range<Int>) throws(BalloonError) -> ModuleAudit
    /// Sets how many extents the OOM notifier leaves in a vnode's balloon.
    /// - Throws: `.system`.
    func keep(vnode: Int, extents: Int) throws(BalloonError)
    /// Readable when something happened since the last ``state()``.
    var descriptor: Int32? { get }
}

public struct ModuleState: Equatable, Sendable {
    /// The domain has virtual NUMA; otherwise all memory is vnode 0.
    public var hasVNUMA = false
    public var vnodeCount = 1
    public var isMigrating = false
    /// True after a resume, until the module has audited every frame.
    public var isUnsure = false
    public var reservation: Frames = .zero
    public var maximum: Frames = .zero

    public init() {}
}

/// How much of a vnode is given, and which Linux node it is.
public struct ModuleVNode: Equatable, Sendable {
    public var node: Int?
    /// All memory that Xen assigns to the vnode; 0 without virtual NUMA.
    public var size: KiB
    /// Extents all of whose frames are holes.
    public var given: Int
    /// Extents that may or may not be holes. They are never freed.
    public var doubt: Int

    public init(node: Int?, size: KiB, given: Int = 0, doubt: Int = 0) {
        self.node = node
        self.size = size
        self.given = given
        self.doubt = doubt
    }
}

/// The result of a move.
public struct ModuleMove: Equatable, Sendable {
    /// Why the module moved less than it was asked to.
    public enum Reason: Sendable, CaseIterable {
        case all
        /// Linux has no free memory on that node.
        case noMemory
        /// Xen did less than it was asked to.
        case refused
        /// The domain has all the memory that it may have.
        case atMaximum
        case migrating
        /// A signal or the freezer interrupted the call.
        case interrupted
        /// Memory was short meanwhile, and the OOM notifier took some back.
        case pressure
        /// After a resume, until the module has audited every frame.
        case unsure
        /// No more of the vnode is given.
        case empty
        /// PV: the vnode has no free memory that is known to lie on its physical node.
        case unknownPlace
        /// kexec will start another kernel, or hibernation will write an image of this one's memory.
        case closed
    }

    public var done: Int
    public var reason: Reason

    public init(done: Int, reason: Reason) {
        self.done = done
        self.reason = reason
    }
}

/// What Xen answered about the frames of some extents.
public struct ModuleAudit: Equatable, Sendable {
    /// How many extents were audited.
    public var extents: Int
    public var ram: UInt64
    /// Frames that are neither RAM nor holes.
    public var other: UInt64

    public init(extents: Int, ram: UInt64, other: UInt64) {
        self.extents = extents
        self.ram = ram
        self.other = other
    }
}
