import VNodeBalloon

// Doubles of Xen and Linux whose cost does not depend on the size of the guest. So only the product's own time is
// measured.

/// A guest whose vnodes have `extentsEach` extents each, at consecutive addresses.
struct Size {
    let vnodes: Int
    let extentsEach: Int

    init(_ memory: KiB, vnodes: Int) {
        self.vnodes = vnodes
        extentsEach = Int(memory / .mib(2)) / vnodes
    }

    var extents: Int { vnodes * extentsEach }
    func firstBlock(of vnode: Int) -> Int { vnode * extentsEach }

    var list: [VNode] {
        (0..<vnodes).map { VNode(number: $0, linuxNode: $0, size: .mib(2) * UInt64(extentsEach)) }
    }

    var topology: VNUMATopology? {
        var ranges: [(vnode: UInt32, start: UInt64, end: UInt64)] = []
        for vnode in 0..<vnodes {
            let first = UInt64(firstBlock(of: vnode)) * 512
            ranges.append((UInt32(vnode), first, first + UInt64(extentsEach) * 512))
        }
        return try? VNUMATopology(vnodeCount: vnodes, untrusted: ranges)
    }
}

/// Xen, with one bit for each extent.
// Safe to use: the list is this object's own memory.
@safe
final class SizeXen: Hypervisor {
    let extents: ExtentBuffer
    private let storage: UnsafeMutableBufferPointer<UInt64>
    private let size: Size
    private var holes: [UInt64]
    private var reservation: UInt64
    private(set) var probes = 0

    init(_ size: Size) {
        self.size = size
        unsafe storage = .allocate(capacity: 512)
        unsafe storage.initialize(repeating: 0)
        unsafe extents = ExtentBuffer(unsafeMemory: storage)
        holes = [UInt64](repeating: 0, count: size.extents / 64 + 1)
        reservation = UInt64(size.extents) * 512
    }

    deinit { unsafe storage.deallocate() }

    private func set(_ isHole: Bool) -> Int {
        for index in 0..<extents.count {
            let block = Int(extents[index] >> 9)
            if isHole {
                holes[block / 64] |= 1 << UInt64(block % 64)
            } else {
                holes[block / 64] &= ~(1 << UInt64(block % 64))
            }
        }
        let frames = UInt64(extents.count) * 512
        if isHole { reservation -= frames } else { reservation += frames }
        return extents.count
    }

    func decreaseReservation() throws(BalloonError) -> Int { set(true) }
    func populatePhysmap(vnode: Int?, from source: MemorySource) throws(BalloonError) -> Int { set(false) }
    func currentReservation() throws(BalloonError) -> Frames { Frames(reservation) }
    func maximumReservation() throws(BalloonError) -> Frames { KiB.mib(2 * UInt64(size.extents)).wholeFrames }

    func memoryType(of gfn: UInt64) throws(BalloonError) -> MemoryType {
        probes += 1
        let block = Int(gfn >> 9)
        return MemoryType(rawValue: holes[block / 64] >> UInt64(block % 64) & 1 == 1 ? 2 : 0)
    }

    func vnumaTopology() throws(BalloonError) -> VNUMATopology? { size.topology }
    func isBeingSent() throws(BalloonError) -> Bool { false }
    func suspension() -> Suspension { Suspension(suspended: .zero) }
}

/// What outlives a process: the length of each vnode's file, and for each pin how many pages it holds.
final class SizeKernel {
    static let firstDescriptor: Int32 = 0x4000_0000
    var slots: [Int]
    /// How many pages each pin holds, by the pin's number.
    var pinned: [Int32] = []

    init(_ size: Size) { slots = [Int](repeating: 0, count: size.vnodes) }

    func makePin() -> FileDescriptor {
        pinned.append(0)
        return FileDescriptor(Self.firstDescriptor + 1024 + Int32(pinned.count - 1))
    }

    func index(_ pin: FileDescriptor) -> Int { Int(pin.rawValue - Self.firstDescriptor - 1024) }
}

/// Linux's pages of one vnode. Slot n always has the vnode's page n.
final class SizePages: PageKernel {
    private let kernel: SizeKernel
    private let vnode: Int
    private let first: Int
    let mount = FileDescriptor(SizeKernel.firstDescriptor)
    let pools: [any PagePool] = [SizePool()]
    let pagesPerPin = 64

    init(_ kernel: SizeKernel, vnode: Int, _ size: Size) {
        self.kernel = kernel
        self.vnode = vnode
        first = size.firstBlock(of: vnode)
    }

    func openFile() -> FileDescriptor { FileDescriptor(SizeKernel.firstDescriptor + 1 + Int32(vnode)) }
    func identity(of file: FileDescriptor) -> SlotFile.Identity { .init(inode: UInt64(vnode) + 1, device: 1) }
    func name(of file: SlotFile.Identity) -> FoundFile.Name { .ours }
    func contents(of file: FileDescriptor) -> SlotFile.Contents {
        SlotFile.Contents(slots: kernel.slots[vnode], pages: kernel.slots[vnode])
    }
    func resize(_ file: FileDescriptor, to slots: Int) { kernel.slots[vnode] = slots }
    func punch(_ file: FileDescriptor, slot: Int) {}
    func map(_ file: FileDescriptor, _ slots: Range<Int>, for purpose: SlotFile.Purpose) -> any SlotMapping {
        SizeMapping(kernel, slots, first)
    }

    func makePin() -> (readEnd: FileDescriptor, writeEnd: FileDescriptor) {
        let pin = kernel.makePin()
        return (pin, FileDescriptor(pin.rawValue))
    }
    func openPin(_ readEnd: FileDescriptor) -> FileDescriptor { FileDescriptor(readEnd.rawValue) }
    func pinnedPages(_ readEnd: FileDescriptor) -> Int { Int(kernel.pinned[kernel.index(readEnd)]) }
    func moveFirstPinned(_ readEnd: FileDescriptor, to writeEnd: FileDescriptor?) {
        kernel.pinned[kernel.index(readEnd)] -= 1
        if let writeEnd { kernel.pinned[kernel.index(writeEnd)] += 1 }
    }
    func copyPinned(_ readEnd: FileDescriptor, to writeEnd: FileDescriptor) -> Int {
        kernel.pinned[kernel.index(writeEnd)] += kernel.pinned[kernel.index(readEnd)]
        return pinnedPages(readEnd)
    }
    func clearPin(_ readEnd: FileDescriptor) { kernel.pinned[kernel.index(readEnd)] = 0 }
    func number(ofPin readEnd: FileDescriptor) -> UInt64 { UInt64(readEnd.rawValue) }
}

private final class SizeMapping: SlotMapping {
    let slots: Range<Int>
    private let kernel: SizeKernel
    private let first: Int

    init(_ kernel: SizeKernel, _ slots: Range<Int>, _ first: Int) {
        self.kernel = kernel
        self.slots = slots
        self.first = first
    }

    func populateForWriting(_ slot: Int) -> Bool { true }
    func look(_ slot: Int) -> SlotLook { .mapped }
    func populateAllForReading() -> Bool { true }
    func pin(_ slot: Int, _ writeEnd: FileDescriptor) { kernel.pinned[kernel.index(writeEnd)] += 1 }
    func newFrame(of slot: Int) -> Result<UInt64, FrameFault> { .success(UInt64(first + slot) * 512) }
    func frame(of slot: Int) -> Result<UInt64, FrameFault> { newFrame(of: slot) }
}

/// A node's pool that no other program uses: it grows and shrinks as asked.
private final class SizePool: PagePool {
    private var pages = 0
    func total() -> Int { pages }
    func free() -> Int { 0 }
    func grow(by count: Int) -> PoolGrowth {
        pages += count
        return PoolGrowth(pages: count, freeBefore: 0)
    }
    func shrink(by count: Int) { pages -= count }
}

/// Keeps all descriptors in this process.
final class SizeKeeper: DescriptorKeeper {
    private var kept: [String: FileDescriptor] = [:]
    func keep(_ name: String, _ descriptor: FileDescriptor) { kept[name] = descriptor }
    func drop(_ name: String) { kept[name] = nil }
    func kept(_ name: String) -> FileDescriptor? { kept[name] }
    func keptNames(prefix: String) -> [String] { kept.keys.filter { $0.hasPrefix(prefix) }.sorted() }
    func restoreIfLost() {}
    var count: Int { kept.count }
}

final class SizeIntents: IntentLog {
    private var lines: [Int: IntentLine] = [:]
    private var sum: UInt64?
    func line(vnode: Int) -> IntentLine { lines[vnode] ?? .quiet(nil) }
    func begin(_ move: InterruptedMove, vnode: Int) { lines[vnode] = .moving(move) }
    func end(_ file: FileShape?, vnode: Int) { lines[vnode] = .quiet(file) }
    func total() -> UInt64? { sum }
    func note(total: UInt64?) { sum = total }
}

final class SizeState: StateKeeper {
    var path: String { "/sizes" }
    func wasLegacyTargetAbsent() -> Bool { false }
    func forced() -> [Int: KiB] { [:] }
    func setForced(_ forced: [Int: KiB]) {}
    func noteLegacyTargetAbsent() {}
    func poolNote() -> String? { nil }
    func notePools(_ note: String) {}
}
