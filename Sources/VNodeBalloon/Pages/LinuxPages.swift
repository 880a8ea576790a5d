internal import CBalloonShim
internal import Glibc

/// The real kernel: hugetlbfs, pipes, pagemap, sysfs.
final class LinuxPages: PageKernel {
    let mount: FileDescriptor
    let pools: [any PagePool]
    let pagesPerPin = Int(CB_PIN_PAGES)
    private let vnode: Int
    private let pagemap: Pagemap
    /// Looks without making pages, opened once for the same reason. nil: this kernel has no such thing, or not for us.
    private let watch: FileDescriptor?
    /// /dev/null, opened once: unpinning must not need a descriptor that is not there.
    private let nowhere: FileDescriptor

    /// - Throws: `.noHugePages`, `.descriptors`, `.system`.
    convenience init(
        vnode: Int, node: Int?, mount: FileDescriptor, in pools: HugePagePools
    ) throws(BalloonError) {
        let ours = if let node { [try pools.pool(of: node)] } else { try pools.all() }
        try self.init(vnode: vnode, mount: mount, pools: ours)
    }

    init(vnode: Int, mount: FileDescriptor, pools: [any PagePool]) throws(BalloonError) {
        self.vnode = vnode
        self.mount = mount
        self.pools = pools
        pagemap = try Pagemap()
        nowhere = try .open("/dev/null", .write, "cannot open /dev/null")
        let opened = cb_watch_open()
        let isMissing = [-ENOSYS, -EPERM, -EINVAL, -EACCES].contains(opened)
        watch = isMissing ? nil : FileDescriptor(try check(opened, "cannot look at pages (userfaultfd)"))
    }

    // MARK: Files

    private var fileName: String { "vnode\(vnode)" }

    func openFile() throws(BalloonError) -> FileDescriptor {
        try .open(fileName, .create, below: mount, "cannot open the balloon's file \(fileName)")
    }

    func identity(of file: FileDescriptor) throws(BalloonError) -> SlotFile.Identity {
        let info = try file.info()
        guard try HugePageMount.isHugetlbfs(file) else {
            throw BalloonError(
                .notHugetlbfs, "the file \(fileName) is not on a hugetlbfs of 2 MiB pages", vnode: vnode)
        }
        return SlotFile.Identity(inode: info.inode, device: info.device)
    }

    func name(of file: SlotFile.Identity) throws(BalloonError) -> FoundFile.Name {
        guard let there = try FileInfo.ofEntry(fileName, below: mount, "cannot stat the balloon's file \(fileName)")
        else { return .gone }
        return there.device == file.device && there.inode == file.inode ? .ours : .another
    }

    func contents(of file: FileDescriptor) throws(BalloonError) -> SlotFile.Contents {
        let info = try file.info()
        return SlotFile.Contents(
            slots: Int(info.bytes / SlotFile.slotBytes), pages: Int(info.allocatedBytes / SlotFile.slotBytes))
    }

    func resize(_ file: FileDescriptor, to slots: Int) throws(BalloonError) {
        let result = cb_file_truncate(file.rawValue, UInt64(slots) * SlotFile.slotBytes)
        try check(result, vnode: vnode, "cannot resize the balloon's file to \(slots) pages")
    }

    func punch(_ file: FileDescriptor, slot: Int) throws(BalloonError) {
        let result = cb_file_punch(file.rawValue, UInt64(slot) * SlotFile.slotBytes, SlotFile.slotBytes)
        try check(result, vnode: vnode, "cannot free page \(slot) of the balloon's file")
    }

    func map(
        _ file: FileDescriptor, _ slots: Range<Int>, for purpose: SlotFile.Purpose
    ) throws(BalloonError) -> any SlotMapping {
        var error: Int32 = 0
        let bytes = UInt64(slots.count) * SlotFile.slotBytes
        // Unsafe: the shim sets the error number.
        let address = unsafe cb_map_file(
            file.rawValue, UInt64(slots.lowerBound) * SlotFile.slotBytes, bytes, &error)
        try check(error, vnode: vnode, "cannot map \(slots.count) pages of the balloon's file")
        let mapping = LinuxMapping(address, slots, pagemap, watch)
        switch purpose {
        case .filling(let node): try bind(address, bytes, node)
        case .looking(let node?): try? bind(address, bytes, node)
        case .looking(nil): break
        }
        return mapping
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

    // MARK: Pins

    func makePin() throws(BalloonError) -> (readEnd: FileDescriptor, writeEnd: FileDescriptor) {
        var writeEnd: Int32 = -1
        // Unsafe: the shim sets the write end.
        let readEnd = unsafe cb_pin_open(&writeEnd)
        try check(readEnd, "cannot make a pipe of \(pagesPerPin) pages to pin memory")
        return (FileDescriptor(readEnd), FileDescriptor(writeEnd))
    }

    func openPin(_ readEnd: FileDescriptor) throws(BalloonError) -> FileDescriptor {
        FileDescriptor(try check(cb_pin_reopen(readEnd.rawValue), "cannot open a pin again"))
    }

    func pinnedPages(_ readEnd: FileDescriptor) throws(BalloonError) -> Int {
        Int(try check(cb_pin_count(readEnd.rawValue), "cannot ask a pin how much it holds"))
    }

    func moveFirstPinned(_ readEnd: FileDescriptor, to writeEnd: FileDescriptor?) throws(BalloonError) {
        try check(
            cb_pin_move_first(readEnd.rawValue, (writeEnd ?? nowhere).rawValue), "cannot move a pinned page (splice)")
    }

    func copyPinned(_ readEnd: FileDescriptor, to writeEnd: FileDescriptor) throws(BalloonError) -> Int {
        Int(try check(cb_pin_copy(readEnd.rawValue, writeEnd.rawValue), "cannot copy a pin (tee)"))
    }

    func clearPin(_ readEnd: FileDescriptor) throws(BalloonError) {
        try check(cb_pin_clear(readEnd.rawValue, nowhere.rawValue), "cannot unpin pages (splice)")
    }

    func number(ofPin readEnd: FileDescriptor) throws(BalloonError) -> UInt64 { try readEnd.info().inode }
}

private final class LinuxMapping: SlotMapping {
    let slots: Range<Int>
    private let address: UInt64
    private let pagemap: Pagemap

    init(_ address: UInt64, _ slots: Range<Int>, _ pagemap: Pagemap, _ watch: FileDescriptor?) {
        self.address = address
        self.watch = watch
        self.slots = slots
        self.pagemap = pagemap
    }

    private let watch: FileDescriptor?
    private var isWatched = false

    /// Unmapping only drops page tables: it frees no page of a file.
    deinit { _ = cb_unmap(address, UInt64(slots.count) * SlotFile.slotBytes) }

    private func address(of slot: Int) -> UInt64 {
        precondition(slots.contains(slot), "the slot is not mapped")
        return address + UInt64(slot - slots.lowerBound) * SlotFile.slotBytes
    }

    func populateForWriting(_ slot: Int) -> Bool { cb_populate_write(address(of: slot), SlotFile.slotBytes) == 0 }

    func look(_ slot: Int) throws(BalloonError) -> SlotLook {
        let at = address(of: slot)
        guard let watch else {
            // Older kernels: a missing page is made here.
            let result = cb_populate_read(at, SlotFile.slotBytes)
            return result == -EFAULT || result == -ENOMEM ? .none : try found(result)
        }
        if !isWatched {
            let bytes = UInt64(slots.count) * SlotFile.slotBytes
            try check(cb_watch_add(watch.rawValue, address, bytes), "cannot watch the balloon's file (userfaultfd)")
            isWatched = true
        }
        let result = cb_watch_map(watch.rawValue, at, SlotFile.slotBytes)
        return result == -ENOENT ? .none : try found(result)
    }

    private func found(_ result: Int32) throws(BalloonError) -> SlotLook {
        if result == -EHWPOISON { return .broken }
        try check(result, "cannot look at a page of the balloon's file")
        return .mapped
    }

    func populateAllForReading() -> Bool { cb_populate_read(address, UInt64(slots.count) * SlotFile.slotBytes) == 0 }

    func pin(_ slot: Int, _ writeEnd: FileDescriptor) throws(BalloonError) {
        try check(cb_pin_add(writeEnd.rawValue, address(of: slot)), "cannot pin a page (vmsplice)")
    }

    func newFrame(of slot: Int) throws(BalloonError) -> Result<UInt64, FrameFault> {
        try pagemap.extent(at: address(of: slot))
    }

    func frame(of slot: Int) throws(BalloonError) -> Result<UInt64, FrameFault> {
        try pagemap.lastOfExtent(at: address(of: slot))
    }
}
