internal import CBalloonShim
internal import Glibc

/// One hugetlbfs file: 2 MiB slots, dense, grown and shrunk at the end only.
struct SlotFile {
    static let slotBytes: UInt64 = 2 << 20

    let descriptor: FileDescriptor
    let vnode: Int
    let inode: UInt64
    private let device: UInt64

    private init(_ descriptor: FileDescriptor, vnode: Int) throws(BalloonError) {
        self.descriptor = descriptor
        self.vnode = vnode
        let info = try descriptor.info()
        (inode, device) = (info.inode, info.device)
        // Frames of any other file would be given while the kernel still uses them.
        guard try HugePageMount.isHugetlbfs(descriptor) else {
            throw BalloonError(
                .notHugetlbfs, "the file \(Self.name(vnode)) is not on a hugetlbfs of 2 MiB pages", vnode: vnode)
        }
    }

    /// The vnode's file: one with pages that lost its name and that a keeper still has, before the one that the name
    /// leads to. Its holes would be freed with the last descriptor. Makes a new file where there is none.
    /// - Throws: `.notHugetlbfs` when the file is not on a hugetlbfs of 2 MiB pages; `.busy`, `.descriptors` when it is not
    ///   known what is kept; `.system`.
    static func find(
        vnode: Int, mount: FileDescriptor, _ keeper: any DescriptorKeeper
    ) throws(BalloonError) -> SlotFile {
        for name in try keeper.keptNames(prefix: keptPrefix(vnode)) {
            guard let descriptor = try keeper.kept(name) else { continue }
            let file = try SlotFile(descriptor, vnode: vnode)
            if try file.name(below: mount) == .ours { continue }
            if try file.info().slots > 0 { return file }
            keeper.drop(name)
        }
        let name = name(vnode)
        return try SlotFile(
            try .open(name, .create, below: mount, "cannot open the balloon's file \(name)"), vnode: vnode)
    }

    private static func name(_ vnode: Int) -> String { "vnode\(vnode)" }
    private static func keptPrefix(_ vnode: Int) -> String { "file.vnode\(vnode)." }
    /// What a keeper calls it. Inodes tell a removed file from a new one.
    var keptName: String { Self.keptPrefix(vnode) + "\(inode)" }

    /// Where the vnode's name below the mount leads.
    func name(below mount: FileDescriptor) throws(BalloonError) -> FileState.Name {
        let name = Self.name(vnode)
        guard let there = try FileInfo.ofEntry(name, below: mount, "cannot stat the balloon's file \(name)") else {
            return .gone
        }
        return there.device == device && there.inode == inode ? .ours : .another
    }

    struct Info {
        var slots: Int
        /// Slots that have a page.
        var pages: Int
    }

    func info() throws(BalloonError) -> Info {
        let info = try descriptor.info()
        return Info(slots: Int(info.bytes / Self.slotBytes), pages: Int(info.allocatedBytes / Self.slotBytes))
    }

    func resize(to slots: Int) throws(BalloonError) {
        let result = cb_file_truncate(descriptor.rawValue, UInt64(slots) * Self.slotBytes)
        try check(result, vnode: vnode, "cannot resize the balloon's file to \(slots) pages")
    }

    /// Takes one slot's page out of the file; the slot stays.
    func punch(_ slot: Int) throws(BalloonError) {
        let result = cb_file_punch(descriptor.rawValue, UInt64(slot) * Self.slotBytes, Self.slotBytes)
        try check(result, vnode: vnode, "cannot free page \(slot) of the balloon's file")
    }

    /// What a mapping is for.
    enum Purpose {
        /// New pages are to be had from a node. The mapping is bound, not the file: hugetlbfs keeps no policy.
        case filling(node: Int)
        /// What is there is looked at. Where it is possible the mapping is bound all the same: should a page be missing, the
        /// look makes one. A cpuset that leaves the node out must not stand in the way.
        case looking(node: Int?)
    }

    /// Runs `body` with some slots mapped. The mapping is gone afterwards; the pages stay.
    func withMapping<T>(
        of slots: Range<Int>, for purpose: Purpose, _ body: (SlotMapping) throws(BalloonError) -> T
    ) throws(BalloonError) -> T {
        var error: Int32 = 0
        let bytes = UInt64(slots.count) * Self.slotBytes
        let offset = UInt64(slots.lowerBound) * Self.slotBytes
        // Unsafe: the shim sets the error number.
        let address = unsafe cb_map_file(descriptor.rawValue, offset, bytes, &error)
        try check(error, vnode: vnode, "cannot map \(slots.count) pages of the balloon's file")
        // Unmapping only drops page tables: it frees no page of a file.
        defer { _ = cb_unmap(address, bytes) }
        switch purpose {
        case .filling(let node): try bind(address, bytes, node)
        case .looking(let node?): try? bind(address, bytes, node)
        case .looking(nil): break
        }
        return try body(SlotMapping(address: address, slots: slots))
    }

    private func bind(_ address: UInt64, _ bytes: UInt64, _ node: Int) throws(BalloonError) {
        let result = cb_bind_to_node(address, bytes, UInt32(node))
        if result == -EINVAL {
            throw BalloonError(
                .cpuset,
                "the cpuset of this process leaves node \(node) out (cpuset.mems, AllowedMemoryNodes=); take it in",
                vnode: vnode)
        }
        try check(result, vnode: vnode, "cannot bind memory to node \(node)")
    }
}

/// Slots of a file that are mapped just now.
struct SlotMapping {
    let address: UInt64
    let slots: Range<Int>

    private func address(of slot: Int) -> UInt64 {
        precondition(slots.contains(slot), "the slot is not mapped")
        return address + UInt64(slot - slots.lowerBound) * SlotFile.slotBytes
    }

    /// Allocates and clears a slot's page. False when the node's pool has none.
    func populateForWriting(_ slot: Int) -> Bool { cb_populate_write(address(of: slot), SlotFile.slotBytes) == 0 }

    enum Look {
        case mapped
        /// There is no page, and none is to be had.
        case none
        /// The kernel maps the page for nobody any more.
        case broken
    }

    /// Maps a slot's page as it is, or allocates a missing one.
    func look(_ slot: Int) -> Look {
        switch cb_populate_read(address(of: slot), SlotFile.slotBytes) {
        case 0: .mapped
        case -EHWPOISON: .broken
        default: .none
        }
    }

    /// The same for all slots in one call. False when one of them has no page to be had.
    func populateAllForReading() -> Bool { cb_populate_read(address, UInt64(slots.count) * SlotFile.slotBytes) == 0 }

    /// Pins a slot's page.
    func pin(_ slot: Int, in pin: Pin) throws(BalloonError) { try pin.add(address(of: slot)) }

    /// The first frame of a slot's new page, from all of its entries in pagemap.
    func newFrame(of slot: Int, _ pagemap: Pagemap) throws(BalloonError) -> Result<UInt64, FrameFault> {
        try pagemap.extent(at: address(of: slot))
    }

    /// The first frame of a slot's page, from its last entry.
    func frame(of slot: Int, _ pagemap: Pagemap) throws(BalloonError) -> Result<UInt64, FrameFault> {
        try pagemap.lastOfExtent(at: address(of: slot))
    }
}

/// /proc/self/pagemap.
struct Pagemap {
    private let descriptor: FileDescriptor

    init() throws(BalloonError) {
        descriptor = try .open("/proc/self/pagemap", .read, "cannot open /proc/self/pagemap")
    }

    /// The extent that 2 MiB of virtual addresses are, or what is wrong with it.
    func extent(at address: UInt64) throws(BalloonError) -> Result<UInt64, FrameFault> {
        var result: Result<UInt64, FrameFault> = .failure(.notResident(index: 0))
        var read: Int64 = 0
        let count = Int(ExtentBuffer.framesPerExtent)
        // Unsafe: 4 KiB of scratch on the stack, filled by the shim before it is read.
        unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: count) { entries in
            unsafe read = cb_pagemap_read(descriptor.rawValue, address, entries.baseAddress, UInt64(count))
            guard read == count else { return }
            let span = unsafe Span(_unsafeElements: entries)
            do throws(FrameFault) { result = .success(try PagemapEntry.extent(span)) } catch {
                result = .failure(error)
            }
        }
        try check(read, "cannot read /proc/self/pagemap")
        return result
    }

    /// The same from the last entry, in a tenth of the time: whichever entry is read, the kernel makes up all from there
    /// to the end of the 2 MiB.
    func lastOfExtent(at address: UInt64) throws(BalloonError) -> Result<UInt64, FrameFault> {
        let frames = ExtentBuffer.framesPerExtent
        var entry: UInt64 = 0
        // Unsafe: the shim fills one entry.
        let read = unsafe cb_pagemap_read(descriptor.rawValue, address + (frames - 1) * 4096, &entry, 1)
        try check(read, "cannot read /proc/self/pagemap")
        do throws(FrameFault) {
            return .success(try PagemapEntry.extent(last: read == 1 ? entry : 0, frames: frames))
        } catch {
            return .failure(error)
        }
    }
}
