internal import CBalloonShim
internal import Glibc

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

    /// Opens Xen and what moves memory: with privcmd, our hugetlbfs and the reserves. Nothing moves before the mover's
    /// `recover`.
    ///
    /// - Parameters:
    ///   - stateDirectory: it must be there, and the caller must have its lock.
    ///   - keeper: what keeps descriptors when this process ends.
    ///   - staticMaxKiB: xenstore's memory/static-max, the size of vnode 0 where there is no virtual NUMA.
    ///   - isReading: nothing is going to be moved: pins, and what is kept, are left as they are.
    ///   - name: one of this guest's; `.auto` counts as privcmd.
    /// - Throws: `.noXen`, `.privcmdLocked`, `.unsupportedGuest`, `.privateNamespace`, `.notHugetlbfs`, `.noHugePages`,
    ///   `.hypercall`, `.system`.
    public static func open(
        _ name: MoverName, stateDirectory: String, keeper: any DescriptorKeeper, staticMaxKiB: UInt64?,
        isReading: Bool = false
    ) throws(BalloonError) -> Guest {
        let kind = try GuestKind.current()
        switch name {
        case .module: return try openModule(kind, staticMaxKiB: staticMaxKiB)
        case .kernel: return try openKernel(kind, staticMaxKiB: staticMaxKiB)
        case .auto, .privcmd: break
        }
        let hypervisor = try PrivcmdHypervisor()
        try HugePageMount.checkNamespaces()
        let mount = try HugePageMount(stateDirectory: stateDirectory)
        let vnodes = try self.vnodes(hypervisor, try ZoneInfo.read(), staticMaxKiB: staticMaxKiB)
        let all = try HugePagePools()
        var reserves: [Int: HugePageReserve] = [:]
        for vnode in vnodes {
            // Without a node, too: it may have had one, and a balloon, when the last process ran.
            reserves[vnode.number] = try HugePageReserve(
                vnode: vnode.number, node: vnode.linuxNode, mount: mount, keeper: keeper, pools: all,
                isReading: isReading)
        }
        let intents = try IntentRecord(stateDirectory: stateDirectory)
        let pools =
            isReading ? nil : try LinuxPools(all, Array(reserves.values), slack: slack(vnodes, intents))
        let ours = try PrivcmdBackend(vnodes: vnodes, hypervisor: hypervisor, reserves: reserves, intents: intents)
        let mover = try ours.topology == nil ? joined(ours, hypervisor) : ours
        return try Guest(
            kind: kind, figures: hypervisor, mover: mover,
            pools: pools.map { NodePools($0, ledger: all.ledger) })
    }

    /// Pool pages that a process which was killed may have left, by Linux's node.
    private static func slack(_ vnodes: [VNode], _ intents: IntentRecord) -> [Int: Int] {
        var slack: [Int: Int] = [:]
        for vnode in vnodes {
            guard let node = vnode.linuxNode else { continue }
            switch intents.line(vnode: vnode.number) {
            case .moving(let move): slack[node, default: 0] += move.poolPages
            case .unreadable: slack[node, default: 0] += Int(CB_PIN_PAGES)
            case .quiet: continue
            }
        }
        return slack
    }

    /// Gives up what this process needs no more now that everything is open: see ``Privileges``.
    /// - Throws: `.system`.
    func limitPrivileges() throws(BalloonError) {
        try Privileges.limit(to: mover is PrivcmdBackend || mover is ModuleBackend ? .moving : .movingByKernel)
    }

    /// With Linux's own balloon as a part: for guests where all of it is of one vnode.
    private static func joined(
        _ ours: any Mover, _ figures: any DomainFigures, allKiB: UInt64? = nil
    ) throws(BalloonError) -> any Mover {
        do throws(BalloonError) {
            return JointBackend(ours, try KernelBalloon(allKiB: allKiB), figures: figures, now: { .now })
        } catch {
            // A kernel without one. What cannot be read may have the hole from boot: that is not the same.
            guard error.errno == ENOENT else { throw error }
            return ours
        }
    }

    /// The module knows what Xen has told it: the vnodes, the reservations, a migration.
    private static func openModule(_ kind: GuestKind, staticMaxKiB: UInt64?) throws(BalloonError) -> Guest {
        guard let module = try ModuleDevice.open() else {
            throw BalloonError(.environment, "the kernel module is gone: run modprobe vnode_balloon")
        }
        let state = try module.state()
        let figures = ModuleFigures(module, try? PrivcmdHypervisor())
        var vnodes: [VNode] = []
        if state.hasVNUMA {
            for number in 0..<state.vnodeCount {
                let it = try module.vnode(number)
                vnodes.append(VNode(number: number, linuxNode: it.node, sizeKiB: it.sizeKiB))
            }
        } else {
            let reservation = try figures.currentReservation()
            vnodes = [wholeGuest(try ZoneInfo.read(), staticMaxKiB: staticMaxKiB, reservation: reservation)]
        }
        let ours = ModuleBackend(vnodes: vnodes, module: module, pause: sleep(for:))
        if state.hasVNUMA { return try Guest(kind: kind, figures: figures, mover: ours) }
        let mover = try joined(ours, figures, allKiB: kind == .pv ? staticMaxKiB : nil)
        return try Guest(kind: kind, figures: figures, mover: mover)
    }

    private static func openKernel(_ kind: GuestKind, staticMaxKiB: UInt64?) throws(BalloonError) -> Guest {
        // In other guests the firmware's pages are in static-max, too, and Linux counts the hole from boot by itself.
        let staticMaxKiB = kind == .pv ? staticMaxKiB : nil
        let balloon = try KernelBalloon(allKiB: staticMaxKiB)
        // Where the kernel locks privcmd its own figures do: no hypercall is needed to move memory there.
        let hypervisor = try? PrivcmdHypervisor()
        let figures: any DomainFigures = hypervisor ?? KernelFigures(balloon, staticMaxKiB: staticMaxKiB)
        let mover = try KernelBackend(
            balloon, figures: figures, topology: try hypervisor?.vnumaTopology(), staticMaxKiB: staticMaxKiB,
            now: { .now })
        return try Guest(kind: kind, figures: figures, mover: mover)
    }

    /// Whether this machine can have balloons at all, and its pages where they shall be; nothing is made or locked.
    /// - Throws: `.unsupportedGuest`, `.privateNamespace`, `.notHugetlbfs`, `.noHugePages`.
    static func checkPossible(_ name: MoverName, stateDirectory: String) throws(BalloonError) {
        switch name {
        case .module: break
        case .kernel: _ = try KernelBalloon()
        case .auto, .privcmd:
            try HugePageMount.checkNamespaces()
            try HugePageMount.examine(stateDirectory: stateDirectory)
        }
    }

    /// The vnodes with the Linux nodes at their addresses. Without virtual NUMA all memory is vnode 0.
    static func vnodes(
        _ hypervisor: any Hypervisor, _ zones: ZoneInfo, staticMaxKiB: UInt64?,
        firmware: [FirmwareRange] = FirmwareMap.read()
    ) throws(BalloonError) -> [VNode] {
        guard let topology = try hypervisor.vnumaTopology() else {
            let reservation = try hypervisor.currentReservation()
            return [wholeGuest(zones, staticMaxKiB: staticMaxKiB, reservation: reservation, firmware: firmware)]
        }
        let memory = topology.ranges.map(\.frames)
        return (0..<topology.vnodeCount).map { number in
            let ranges = topology.ranges.filter { $0.vnode == number }.map(\.frames)
            let node = zones.node(within: ranges, of: memory)
            return VNode(number: number, linuxNode: node, sizeKiB: topology.sizeKiB(of: number))
        }
    }

    /// All of a guest's memory as vnode 0.
    private static func wholeGuest(
        _ zones: ZoneInfo, staticMaxKiB: UInt64?, reservation: Frames,
        firmware: [FirmwareRange] = FirmwareMap.read()
    ) -> VNode {
        // Without xenstore's word, what the firmware told Linux to have. The reservation is less than that by whatever a
        // balloon has; it is the last resort.
        let booted = firmware.filter(\.isRAM).reduce(0) { $0 + $1.kib }
        var size = staticMaxKiB ?? booted
        if size == 0 { size = reservation.kib.count }
        return VNode(number: 0, linuxNode: zones.node(within: [0..<UInt64.max]), sizeKiB: size)
    }

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

    /// What of a vnode cannot be taken back, in KiB. Whoever cannot be asked slot by slot loses nothing.
    func lostKiB(vnode: Int) -> UInt64 {
        guard let slots else { return 0 }
        return UInt64(slots.lostExtents(vnode: vnode)) * mover.granularityKiB
    }

    private init(
        kind: GuestKind, figures: any DomainFigures, mover: any Mover, pools: NodePools? = nil
    ) throws(BalloonError) {
        self.kind = kind
        self.figures = figures
        self.mover = mover
        (slots, files) = (mover.slots, mover.files)
        self.pools = pools
        firmware = FirmwareMap.read()
        do throws(BalloonError) { linuxBalloon = try KernelBalloon() } catch {
            // Without its part memory would look as if nothing accounted for it.
            if error.code == .descriptors { throw error }
            linuxBalloon = nil
        }
        let zoneInfo = KeptFile(ZoneInfo.path)
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
