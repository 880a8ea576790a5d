/// One hugetlbfs file: 2 MiB slots, dense, grown and shrunk at the end only.
package struct SlotFile {
    static let slotBytes: UInt64 = 2 << 20

    /// Which file it is, whatever it is called.
    package struct Identity: Equatable, Sendable {
        package var inode: UInt64
        package var device: UInt64

        package init(inode: UInt64, device: UInt64) {
            self.inode = inode
            self.device = device
        }
    }

    /// How long it is, and how much is in it.
    package struct Contents {
        package var slots: Int
        /// Slots that have a page.
        package var pages: Int

        package init(slots: Int, pages: Int) {
            self.slots = slots
            self.pages = pages
        }
    }

    /// What a mapping is for.
    package enum Purpose {
        /// New pages are to be had from a node. The mapping is bound, not the file: hugetlbfs keeps no policy.
        case filling(node: Int)
        /// Pages that are there are read. Where possible the mapping is bound all the same, because reading makes a
        /// page where one is missing. A cpuset that leaves the node out must not stand in the way.
        case looking(node: Int?)
    }

    let descriptor: FileDescriptor
    private let kernel: any PageKernel
    private let vnode: Int
    private let identity: Identity

    private init(_ descriptor: FileDescriptor, vnode: Int, _ kernel: any PageKernel) throws(BalloonError) {
        self.descriptor = descriptor
        self.vnode = vnode
        self.kernel = kernel
        // Frames of any other file would be given while the kernel still uses them.
        identity = try kernel.identity(of: descriptor)
    }

    var inode: UInt64 { identity.inode }

    /// The vnode's file: one with pages that lost its name and that a keeper still has, before the one that the name
    /// leads to. Its holes would be freed with the last descriptor. Makes a new file where there is none.
    /// - Throws: `.notHugetlbfs` when the file is not on a hugetlbfs of 2 MiB pages; `.busy`, `.descriptors` when it is not
    ///   known what is kept; `.system`.
    static func find(
        vnode: Int, _ kernel: any PageKernel, _ keeper: any DescriptorKeeper
    ) throws(BalloonError) -> SlotFile {
        for name in try keeper.keptNames(prefix: keptPrefix(vnode)) {
            guard let descriptor = try keeper.kept(name) else { continue }
            let file = try SlotFile(descriptor, vnode: vnode, kernel)
            if try file.name() == .ours { continue }
            if try file.contents().slots > 0 { return file }
            keeper.drop(name)
        }
        return try SlotFile(try kernel.openFile(), vnode: vnode, kernel)
    }

    private static func keptPrefix(_ vnode: Int) -> String { "file.vnode\(vnode)." }
    /// The name under which it is kept. It has the inode, so that a removed file and a new one have different names.
    var keptName: String { Self.keptPrefix(vnode) + "\(inode)" }

    /// Where the vnode's name below the mount leads.
    func name() throws(BalloonError) -> FoundFile.Name { try kernel.name(of: identity) }

    func contents() throws(BalloonError) -> Contents { try kernel.contents(of: descriptor) }
    func resize(to slots: Int) throws(BalloonError) { try kernel.resize(descriptor, to: slots) }
    func punch(_ slot: Int) throws(BalloonError) { try kernel.punch(descriptor, slot: slot) }

    /// Runs `body` with some slots mapped. The mapping is gone afterwards; the pages stay.
    func withMapping<T>(
        of slots: Range<Int>, for purpose: Purpose, _ body: (any SlotMapping) throws(BalloonError) -> T
    ) throws(BalloonError) -> T {
        let mapping = try kernel.map(descriptor, slots, for: purpose)
        defer { withExtendedLifetime(mapping) {} }
        return try body(mapping)
    }
}
