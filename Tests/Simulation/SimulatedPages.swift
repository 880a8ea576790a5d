package import VNodeBalloon

/// The guest's kernel, as far as one vnode's pages need it. The product's own page code runs on it; each kernel call is
/// a step.
package final class SimulatedPages: PageKernel {
    /// Small, so that even small balloons have several pins.
    static let pinSize = 4

    private let machine: Machine
    private let vnode: Int
    package let mount = FileDescriptor(Machine.firstDescriptor)
    package let pools: [any PagePool]
    package let pagesPerPin = pinSize

    package init(_ machine: Machine, vnode: Int) {
        self.machine = machine
        self.vnode = vnode
        pools = [SimulatedPool(machine: machine, vnode: vnode)]
    }

    private func step<T>(
        _ name: @autoclosure () -> String, _ kind: StepKind = .other, _ body: (Fault?) throws(BalloonError) -> T
    ) throws(BalloonError) -> T {
        try machine.step("vnode \(vnode): \(name())", kind, body)
    }

    // MARK: Files

    package func openFile() throws(BalloonError) -> FileDescriptor {
        try step("open the file", .descriptor) { _ in machine.openFile(vnode) }
    }

    package func identity(of file: FileDescriptor) -> SlotFile.Identity {
        SlotFile.Identity(inode: UInt64(machine.files[file.rawValue]?.number ?? 0), device: 1)
    }

    private func isCurrent(_ number: UInt64) -> Bool { Int(number) == machine.nodes[vnode].fileNumber }
    private func isCurrent(_ file: FileDescriptor) -> Bool { isCurrent(identity(of: file).inode) }

    package func name(of file: SlotFile.Identity) -> FoundFile.Name {
        isCurrent(file.inode) ? machine.nodes[vnode].fileName : .another
    }

    package func contents(of file: FileDescriptor) -> SlotFile.Contents {
        guard isCurrent(file) else { return SlotFile.Contents(slots: 0, pages: 0) }
        return SlotFile.Contents(slots: machine.nodes[vnode].slots.count, pages: machine.nodes[vnode].pages)
    }

    package func resize(_ file: FileDescriptor, to slots: Int) throws(BalloonError) {
        try step("resize the file to \(slots)") { _ in if isCurrent(file) { machine.resize(vnode, to: slots) } }
    }

    package func punch(_ file: FileDescriptor, slot: Int) throws(BalloonError) {
        try step("punch slot \(slot)") { _ in machine.release(vnode: vnode, slot: slot) }
    }

    package func map(
        _ file: FileDescriptor, _ slots: Range<Int>, for purpose: SlotFile.Purpose
    ) throws(BalloonError) -> any SlotMapping {
        try step("map \(slots)") { _ in SimulatedMapping(machine, vnode, slots) }
    }

    // MARK: Pins

    package func makePin() throws(BalloonError) -> (readEnd: FileDescriptor, writeEnd: FileDescriptor) {
        try step("make a pin", .descriptor) { _ in machine.makePipe() }
    }

    package func openPin(_ readEnd: FileDescriptor) throws(BalloonError) -> FileDescriptor {
        try step("open a pin", .descriptor) { _ in machine.openPipe(readEnd) }
    }

    package func pinnedPages(_ readEnd: FileDescriptor) -> Int { machine.pipes[readEnd.rawValue]?.blocks.count ?? 0 }

    package func moveFirstPinned(_ readEnd: FileDescriptor, to writeEnd: FileDescriptor?) throws(BalloonError) {
        try step("move a pinned page") { (_) throws(BalloonError) in
            guard let block = machine.pipes[readEnd.rawValue]?.blocks.first else { throw .injected }
            if let writeEnd { try machine.add(block, to: writeEnd) }
            machine.pipes[readEnd.rawValue]?.blocks.removeFirst()
        }
    }

    package func copyPinned(_ readEnd: FileDescriptor, to writeEnd: FileDescriptor) throws(BalloonError) -> Int {
        try step("copy a pin") { (_) throws(BalloonError) in
            let blocks = machine.pipes[readEnd.rawValue]?.blocks ?? []
            for block in blocks { try machine.add(block, to: writeEnd) }
            return blocks.count
        }
    }

    package func clearPin(_ readEnd: FileDescriptor) throws(BalloonError) {
        try step("clear a pin") { _ in machine.pipes[readEnd.rawValue]?.blocks = [] }
    }

    package func number(ofPin readEnd: FileDescriptor) -> UInt64 { UInt64(readEnd.rawValue) }
}

private final class SimulatedMapping: SlotMapping {
    private let machine: Machine
    private let vnode: Int
    let slots: Range<Int>

    init(_ machine: Machine, _ vnode: Int, _ slots: Range<Int>) {
        self.machine = machine
        self.vnode = vnode
        self.slots = slots
    }

    private func block(of slot: Int) -> Int? {
        slot < machine.nodes[vnode].slots.count ? machine.nodes[vnode].slots[slot].block : nil
    }

    func populateForWriting(_ slot: Int) throws(BalloonError) -> Bool {
        try machine.step("vnode \(vnode): fault slot \(slot) in", .pages) { fault in
            var isThere = false
            if case .fewer? = fault {} else { isThere = machine.fault(vnode, slot) }
            if !isThere { machine.tally.note(.noMemory) }
            return isThere
        }
    }

    func look(_ slot: Int) throws(BalloonError) -> SlotLook {
        try machine.step("vnode \(vnode): look at slot \(slot)") { _ in
            guard let block = block(of: slot) else { return .none }
            return machine.poisoned.contains(block) ? .broken : .mapped
        }
    }

    func populateAllForReading() throws(BalloonError) -> Bool {
        slots.allSatisfy { slot in block(of: slot).map { !machine.poisoned.contains($0) } ?? false }
    }

    func pin(_ slot: Int, _ writeEnd: FileDescriptor) throws(BalloonError) {
        try machine.step("vnode \(vnode): pin slot \(slot)") { (_) throws(BalloonError) in
            guard let block = block(of: slot) else { throw .injected }
            try machine.add(block, to: writeEnd)
        }
    }

    func newFrame(of slot: Int) -> Result<UInt64, FrameFault> { frame(of: slot) }

    func frame(of slot: Int) -> Result<UInt64, FrameFault> {
        block(of: slot).map { .success(UInt64($0) * 512) } ?? .failure(.notResident(index: 0))
    }
}

private struct SimulatedPool: PagePool {
    let machine: Machine
    let vnode: Int

    func total() throws(BalloonError) -> Int {
        try machine.step("vnode \(vnode): pool pages") { _ in machine.poolTotal(vnode) }
    }

    func free() -> Int { machine.nodes[vnode].poolFree.count }

    func grow(by count: Int) throws(BalloonError) -> PoolGrowth {
        let before = free()
        let grown = try machine.step("vnode \(vnode): grow the pool by \(count)", .pages) { fault in
            var wanted = count
            if case .fewer(let pages)? = fault { wanted = min(wanted, pages) }
            let grown = machine.growPool(vnode, by: wanted)
            if grown < count { machine.tally.note(.noMemory) }
            return grown
        }
        return PoolGrowth(pages: grown, freeBefore: before)
    }

    func shrink(by count: Int) throws(BalloonError) {
        guard count > 0 else { return }
        // The kernel never refuses to shrink the pool.
        machine.forgetError()
        try machine.step("vnode \(vnode): shrink the pool by \(count)") { _ in machine.shrinkPool(vnode, by: count) }
    }
}
