internal import CBalloonShim
internal import Glibc

// How a guest is put together: by what moves its memory.
extension Guest {
    /// Opens Xen and what moves memory: with privcmd, our hugetlbfs and the reserves. Nothing moves before the mover's
    /// `recover`.
    ///
    /// - Parameters:
    ///   - stateDirectory: it must be there, and the caller must have its lock.
    ///   - keeper: what keeps descriptors when this process ends.
    ///   - staticMax: xenstore's memory/static-max, the size of vnode 0 where there is no virtual NUMA.
    ///   - isReading: nothing is going to be moved: pins, and what is kept, are left as they are.
    ///   - name: one of this guest's; `.auto` counts as privcmd.
    /// - Throws: `.noXen`, `.privcmdLocked`, `.unsupportedGuest`, `.privateNamespace`, `.notHugetlbfs`, `.noHugePages`,
    ///   `.hypercall`, `.system`.
    public static func open(
        _ name: MoverName, stateDirectory: String, keeper: any DescriptorKeeper, staticMax: KiB?,
        isReading: Bool = false
    ) throws(BalloonError) -> Guest {
        let kind = try GuestKind.current()
        switch name {
        case .module: return try openModule(kind, staticMax: staticMax)
        case .kernel: return try openKernel(kind, staticMax: staticMax)
        case .auto, .privcmd: break
        }
        let hypervisor = try PrivcmdHypervisor()
        try HugePageMount.checkNamespaces()
        let mount = try HugePageMount(stateDirectory: stateDirectory)
        let vnodes = try self.vnodes(hypervisor, try ZoneInfo.read(), staticMax: staticMax)
        let all = try HugePagePools()
        var reserves: [Int: PinnedPages] = [:]
        for vnode in vnodes {
            // A vnode without a node gets one, too: it may have had a node, and a balloon, when the last process ran.
            reserves[vnode.number] = try PinnedPages(
                vnode: vnode.number, node: vnode.linuxNode, mount: mount, keeper: keeper, pools: all,
                isReading: isReading)
        }
        let intents = try IntentRecord(stateDirectory: stateDirectory)
        let pools =
            isReading ? nil : try LinuxPools(all, Array(reserves.values), slack: slack(vnodes, intents))
        let ours = try PrivcmdMover(
            vnodes: vnodes, hypervisor: hypervisor, reserves: reserves, intents: intents,
            displaced: DisplacedRecord(stateDirectory: stateDirectory))
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

    /// Adds Linux's own balloon, for guests whose memory is all of one vnode.
    private static func joined(
        _ ours: any Mover, _ figures: any DomainFigures, all: KiB? = nil
    ) throws(BalloonError) -> any Mover {
        do throws(BalloonError) {
            return JointMover(ours, try KernelBalloon(all: all), figures: figures, now: { .now })
        } catch {
            // The kernel has no balloon. A balloon that cannot be read is another case: it may have the hole from
            // boot.
            guard error.errno == ENOENT else { throw error }
            return ours
        }
    }

    /// The module has asked Xen for the vnodes, the reservations and a migration.
    private static func openModule(_ kind: GuestKind, staticMax: KiB?) throws(BalloonError) -> Guest {
        guard let module = try ModuleDevice.open() else {
            throw BalloonError(.environment, "the kernel module is gone: run modprobe vnode_balloon")
        }
        let state = try module.state()
        let figures = ModuleFigures(module, try? PrivcmdHypervisor())
        var vnodes: [VNode] = []
        if state.hasVNUMA {
            for number in 0..<state.vnodeCount {
                let it = try module.vnode(number)
                vnodes.append(VNode(number: number, linuxNode: it.node, size: it.size))
            }
        } else {
            let reservation = try figures.currentReservation()
            vnodes = [wholeGuest(try ZoneInfo.read(), staticMax: staticMax, reservation: reservation)]
        }
        let ours = ModuleMover(vnodes: vnodes, module: module, pause: sleep(for:))
        if state.hasVNUMA { return try Guest(kind: kind, figures: figures, mover: ours) }
        let mover = try joined(ours, figures, all: kind == .pv ? staticMax : nil)
        return try Guest(kind: kind, figures: figures, mover: mover)
    }

    private static func openKernel(_ kind: GuestKind, staticMax: KiB?) throws(BalloonError) -> Guest {
        // In other guests the firmware's pages are in static-max, too, and Linux counts the hole from boot by itself.
        let staticMax = kind == .pv ? staticMax : nil
        let balloon = try KernelBalloon(all: staticMax)
        // Where privcmd is locked the kernel's own figures are enough: this mover needs no hypercall to move memory.
        let hypervisor = try? PrivcmdHypervisor()
        let figures: any DomainFigures = hypervisor ?? KernelFigures(balloon, staticMax: staticMax)
        let mover = try KernelMover(
            balloon, figures: figures, topology: try hypervisor?.vnumaTopology(), staticMax: staticMax,
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
}
