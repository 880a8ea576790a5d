/// The guest that this process runs in, and the mover of its memory.
public final class Guest {
    public let kind: GuestKind
    public let figures: any DomainFigures
    public let mover: any Mover
    /// Taken from the mover once, so that no step needs a cast.
    let slots: (any SlotAuditing)?
    let files: (any FileBacked)?
    /// The firmware's memory map; empty where the kernel does not report it.
    let firmware: [FirmwareRange]
    /// Linux's own balloon, where the kernel has one.
    let linuxBalloon: KernelBalloon?
    /// The pools that our pages come from; nil where there are none, or where this process will move nothing.
    let pools: NodePools?
    private let readMemory: () throws(BalloonError) -> [Int: NodeMemory]
    /// Sleeps; a simulation advances its clock instead.
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
            // Without the size of Linux's part, its memory would look unaccounted for.
            if error.code == .descriptors { throw error }
            linuxBalloon = nil
        }
        let zoneInfo = ProcFile(ZoneInfo.path)
        readMemory = { () throws(BalloonError) in try ZoneInfo.read(zoneInfo).memory }
        rest = sleep(for:)
    }

    /// For tests and simulations, which pass everything in.
    /// - Parameters:
    ///   - memory: of each Linux node.
    ///   - rest: advances the clock.
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
