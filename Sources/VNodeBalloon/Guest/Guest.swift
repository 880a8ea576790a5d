/// The guest that this process runs in, and what moves its memory.
public final class Guest {
    public let kind: GuestKind
    public let figures: any DomainFigures
    public let mover: any Mover
    /// The mover's, asked for once: a step casts nothing.
    let slots: (any SlotAuditing)?
    let files: (any FileBacked)?
    /// The firmware's memory map; empty where the kernel does not tell.
    let firmware: [FirmwareRange]
    /// Linux's own balloon, where the kernel has one.
    let linuxBalloon: KernelBalloon?
    /// The pools that our pages come from; nil where there are none, or where nothing is going to be moved.
    let pools: NodePools?
    private let readMemory: () throws(BalloonError) -> [Int: NodeMemory]
    /// Lets time pass.
    let rest: (Interval) -> Void

    /// Memory of the vnodes' nodes now, by vnode number, for the controller (/proc/zoneinfo).
    /// - Throws: `.system`.
    public func memoryFacts() throws(BalloonError) -> [Int: NodeMemory] {
        let memory = try readMemory()
        var facts: [Int: NodeMemory] = [:]
        for vnode in mover.vnodes {
            if let node = vnode.linuxNode { facts[vnode.number] = memory[node] }
        }
        return facts
    }

    /// How much of a vnode cannot be taken back. A mover without slots loses nothing.
    func lost(vnode: Int) -> KiB {
        guard let slots else { return .zero }
        return mover.granularity * UInt64(slots.lostExtents(vnode: vnode))
    }

    init(
        kind: GuestKind, figures: any DomainFigures, mover: any Mover, pools: NodePools? = nil
    ) throws(BalloonError) {
        self.kind = kind
        self.figures = figures
        self.mover = mover
        (slots, files) = (mover.slots, mover.files)
        self.pools = pools
        firmware = FirmwareMap.read()
        do throws(BalloonError) { linuxBalloon = try KernelBalloon() } catch {
            // Without its part the account would name memory as missing that this balloon has.
            if error.code == .descriptors { throw error }
            linuxBalloon = nil
        }
        let zoneInfo = ProcFile(ZoneInfo.path)
        readMemory = { () throws(BalloonError) in try ZoneInfo.read(zoneInfo).memory }
        rest = sleep(for:)
    }

    /// Put together by hand: for tests and simulations.
    /// - Parameters:
    ///   - memory: of each Linux node.
    ///   - rest: lets time pass.
    package init(
        kind: GuestKind, figures: any DomainFigures, mover: any Mover, firmware: [FirmwareRange] = [],
        linuxBalloon: KernelBalloon? = nil, pools: NodePools? = nil,
        memory: @escaping () throws(BalloonError) -> [Int: NodeMemory], rest: @escaping (Interval) -> Void
    ) {
        self.kind = kind
        self.figures = figures
        self.mover = mover
        (slots, files) = (mover.slots, mover.files)
        self.firmware = firmware
        self.linuxBalloon = linuxBalloon
        self.pools = pools
        readMemory = memory
        self.rest = rest
    }
}
