package import VNodeBalloon

/// A pipe that pins blocks, open in some process as long as there is a descriptor of it.
struct Pipe {
    var blocks: [Int] = []
    weak var readEnd: FileDescriptor?
}

/// An open file, and which one it is of the vnode's files.
struct OpenFile {
    let vnode: Int
    let number: Int
}

// Descriptors, and pages that are pinned by them. The numbers are none of this process's: to close them does nothing.
extension Machine {
    static let firstDescriptor: Int32 = 0x4000_0000

    private func newDescriptor() -> FileDescriptor {
        lastDescriptor += 1
        return FileDescriptor(lastDescriptor)
    }

    func openFile(_ vnode: Int) -> FileDescriptor {
        if nodes[vnode].fileName != .ours {
            // A new file, and nobody has the old one any more.
            if !nodes[vnode].slots.isEmpty { violate("I4: the file of vnode \(vnode) was let go with its pages") }
            nodes[vnode].fileName = .ours
            nodes[vnode].fileNumber += 1
        }
        let descriptor = newDescriptor()
        files[descriptor.rawValue] = OpenFile(vnode: vnode, number: nodes[vnode].fileNumber)
        return descriptor
    }

    func makePipe() -> (readEnd: FileDescriptor, writeEnd: FileDescriptor) {
        let readEnd = newDescriptor()
        pipes[readEnd.rawValue] = Pipe(readEnd: readEnd)
        return (readEnd, openPipe(readEnd))
    }

    func openPipe(_ readEnd: FileDescriptor) -> FileDescriptor {
        let writeEnd = newDescriptor()
        writeEnds[writeEnd.rawValue] = readEnd.rawValue
        return writeEnd
    }

    func add(_ block: Int, to writeEnd: FileDescriptor) throws(BalloonError) {
        guard let pipe = writeEnds[writeEnd.rawValue], let blocks = pipes[pipe]?.blocks,
            blocks.count < SimulatedPages.pinSize
        else { throw BalloonError(.system, "a pin is full", errno: 11) }
        pipes[pipe]?.blocks.append(block)
    }

    /// Whether a pipe that is open somewhere has the block.
    func isInPipe(_ block: Int) -> Bool { pipes.values.contains { $0.readEnd != nil && $0.blocks.contains(block) } }

    /// Whether one has it that outlives the process.
    func isInKeptPipe(_ block: Int) -> Bool {
        pipes.values.contains { pipe in
            pipe.blocks.contains(block) && pipe.readEnd.map { holder.keeps($0) } == true
        }
    }

    /// The process is gone, and all that it alone had open.
    func closePipes() {
        pipes = pipes.filter { _, pipe in pipe.readEnd.map { holder.keeps($0) } ?? false }
    }

    /// Pages that left the file while they were pinned, and are not any more, are the pool's.
    func settleLimbo() {
        for block in limbo where !isInPipe(block) {
            limbo.remove(block)
            if !isAllMemory(block) && !isRebooting { violate("I4: block \(block) lost its last pin and has a hole") }
            let vnode = layout.vnode(ofBlock: block)
            uses[block] = .pool
            nodes[vnode].poolFree.append(block)
        }
    }

    /// A page is taken out of the file.
    func letGo(_ block: Int, vnode: Int) {
        if isInPipe(block) {
            limbo.insert(block)
        } else {
            uses[block] = .pool
            nodes[vnode].poolFree.append(block)
        }
    }

    /// The guest's next boot: nobody keeps anything of the last one any more.
    func forgetLostPins() {
        for name in holder.store?.names(prefix: "lost.") ?? [] { holder.forget(name) }
        for name in holder.store?.names(prefix: "vnode") ?? [] where name.hasSuffix(".spare") {
            guard let spare = holder.store?.descriptor(name) else { continue }
            pipes[spare.rawValue]?.blocks.removeAll(where: isAllMemory)
        }
        let gone = limbo
        pipes = pipes.mapValues { pipe in
            Pipe(blocks: pipe.blocks.filter { !gone.contains($0) }, readEnd: pipe.readEnd)
        }
        isRebooting = true
        settleLimbo()
        isRebooting = false
        boots += 1
    }

    /// Without a record the next process cannot tell why a slot is empty, and may put pages aside until the next boot.
    func mindLostIntents() {
        if nodes.indices.contains(where: { shape($0).gaps > 0 }) { isRebootDue = true }
    }

    /// Which slots of a file have a page.
    func shape(_ vnode: Int) -> FileShape {
        let slots = nodes[vnode].slots
        let end = (slots.lastIndex { $0.block != nil } ?? -1) + 1
        return FileShape(end: end, gaps: slots.prefix(end).count { $0.block == nil })
    }
}

/// The way to the holder: each request is a step.
package struct SimulatedHolderAccess: HolderAccess {
    private let machine: Machine

    package init(_ machine: Machine) { self.machine = machine }

    package var now: Moment { machine.clock }
    package func pages(in descriptor: FileDescriptor) -> Int { machine.pipes[descriptor.rawValue]?.blocks.count ?? 0 }

    package func connect(isBrief: Bool) throws(BalloonError) -> (any HolderConnection)? {
        try machine.step("connect to the holder", .descriptor) { (_) throws(BalloonError) in
            try machine.holder.connect(isBrief: isBrief).map { SteppedConnection(machine, $0) }
        }
    }

    package func start(isBrief: Bool) throws(BalloonError) -> any HolderConnection {
        try machine.step("start a holder", .descriptor) { (_) throws(BalloonError) in
            SteppedConnection(machine, try machine.holder.start(isBrief: isBrief))
        }
    }
}

private final class SteppedConnection: HolderConnection {
    private let machine: Machine
    private let connection: any HolderConnection

    init(_ machine: Machine, _ connection: any HolderConnection) {
        self.machine = machine
        self.connection = connection
    }

    var descriptor: Int32? { nil }
    var isOpen: Bool { connection.isOpen }

    func send(_ text: String, _ descriptor: FileDescriptor?) -> Bool {
        do throws(BalloonError) {
            return try machine.step("holder: \(text.dropLast())", .holder) { fault in
                machine.holder.isClientFull = fault == .noDescriptors
                return connection.send(text, descriptor)
            }
        } catch { return false }
    }

    func receive() -> (text: String, AttachedDescriptor)? { machine.isKilled ? nil : connection.receive() }
}
