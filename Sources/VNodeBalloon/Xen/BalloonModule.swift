/// The kernel module that gives memory of a vnode to Xen, and keeps its own books (kmod/README.md).
///
/// It counts in extents of 2 MiB. No frame number is asked for or told.
public protocol BalloonModule: AnyObject {
    /// The domain as Xen sees it. Also takes note of what ``descriptor`` told.
    /// - Throws: `.system`.
    func state() throws(BalloonError) -> ModuleState
    /// - Throws: `.system`.
    func vnode(_ number: Int) throws(BalloonError) -> ModuleVNode
    /// Gives up to so many extents of a vnode to Xen.
    /// - Throws: `.system`.
    func give(vnode: Int, extents: Int) throws(BalloonError) -> ModuleMove
    /// Takes up to so many back.
    /// - Throws: `.system`.
    func release(vnode: Int, extents: Int) throws(BalloonError) -> ModuleMove
    /// PV: looks at so many of the vnode's extents, and exchanges what is free for memory of its physical node.
    /// - Returns: how many came home. `.empty`: those were the vnode's last.
    /// - Throws: `.system`.
    func rehome(vnode: Int, extents: Int) throws(BalloonError) -> ModuleMove
    /// Asks Xen about every frame of extents that are given, from the one given longest ago on.
    /// - Throws: `.system`.
    func audit(vnode: Int, extents: Range<Int>) throws(BalloonError) -> ModuleAudit
    /// What the OOM notifier leaves in a vnode's balloon.
    /// - Throws: `.system`.
    func keep(vnode: Int, extents: Int) throws(BalloonError)
    /// Readable when something happened since the last ``state()``.
    var descriptor: Int32? { get }
}

public struct ModuleState: Equatable, Sendable {
    /// Xen knows vnodes; else all memory is vnode 0.
    public var hasVNUMA = false
    public var vnodeCount = 1
    public var isMigrating = false
    /// After a resume, until the module has looked at every frame.
    public var isUnsure = false
    public var reservation: Frames = .zero
    public var maximum: Frames = .zero

    public init() {}
}

/// What is given of a vnode, and which node of Linux it is.
public struct ModuleVNode: Equatable, Sendable {
    public var node: Int?
    /// All that Xen says is its memory; 0 without virtual NUMA.
    public var size: KiB
    /// Extents of which every frame is a hole.
    public var given: Int
    /// Extents of which that is not known. They are never freed.
    public var doubt: Int

    public init(node: Int?, size: KiB, given: Int = 0, doubt: Int = 0) {
        self.node = node
        self.size = size
        self.given = given
        self.doubt = doubt
    }
}

/// What came of a move.
public struct ModuleMove: Equatable, Sendable {
    /// Why it was less than asked for.
    public enum Reason: Sendable, CaseIterable {
        case all
        /// Linux has no such memory.
        case noMemory
        /// Xen did less.
        case refused
        /// The domain has all the memory that it may have.
        case atMaximum
        case migrating
        /// A signal, or the freezer.
        case interrupted
        /// Memory was short meanwhile, and the OOM notifier took some back.
        case pressure
        /// After a resume, until every frame was looked at.
        case unsure
        /// Nothing more is given there.
        case empty
        /// PV: no memory that is known to lie on the vnode's physical node.
        case unknownPlace
        /// Another kernel, or an image of this one's memory, is about to come.
        case closed
    }

    public var done: Int
    public var reason: Reason

    public init(done: Int, reason: Reason) {
        self.done = done
        self.reason = reason
    }
}

/// What Xen says of the frames of some extents.
public struct ModuleAudit: Equatable, Sendable {
    /// How many extents there were to look at.
    public var extents: Int
    public var ram: UInt64
    /// Neither memory nor a hole.
    public var other: UInt64

    public init(extents: Int, ram: UInt64, other: UInt64) {
        self.extents = extents
        self.ram = ram
        self.other = other
    }
}
