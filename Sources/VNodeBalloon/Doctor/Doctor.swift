/// Checks each prerequisite on its own and says how to mend it. Changes nothing.
public enum Doctor {
    /// What fails without a prerequisite.
    public enum Level: String, Sendable {
        /// The daemon does not run.
        case run
        /// The daemon runs, but something that it will have to do fails.
        case later
        /// Nothing.
        case advice
    }

    public struct Check: Equatable, Sendable {
        public let name: String
        public let isFine: Bool
        public let level: Level
        /// What to do; nil where nothing is wrong.
        public let fix: String?
    }

    /// - Parameters:
    ///   - configuration: some checks apply only with some settings.
    ///   - fault: the error in the configuration file, if any.
    public static func examine(
        _ configuration: Configuration = Configuration(), fault: BalloonError? = nil
    ) -> [Check] {
        var kind: GuestKind?
        // The xenstore client, if xenstored answers. A silent xenstored is waited for only once.
        var store: Xenstore?
        var checks = [
            check("xen-guest") { () throws(BalloonError) in kind = try GuestKind.current() },
            check("configuration") { () throws(BalloonError) in if let fault { throw fault } },
        ]
        checks.append(
            check("xenstore") { () throws(BalloonError) in
                let opened = try Xenstore()
                _ = try opened.read("domid", in: nil)
                store = opened
            })
        checks.append(
            check("state-directory") { () throws(BalloonError) in
                try StateDirectory.examine(configuration.stateDirectory)
            })
        checks += movers(configuration, kind, store)
        checks.append(memoryTarget(store))
        checks.append(overcommit())
        if configuration.onPressure == .yield { checks.append(pressure()) }
        return checks
    }

    /// Checks what this guest's mover needs.
    private static func movers(_ configuration: Configuration, _ kind: GuestKind?, _ store: Xenstore?) -> [Check] {
        let own = { Self.own(configuration.stateDirectory, store) }
        guard let kind else { return own() }
        do throws(BalloonError) {
            let facts = try MoverChoice.Facts.ofThisGuest { () throws(BalloonError) in
                try HolderClient.hasPins(below: configuration.stateDirectory)
            }
            switch try MoverChoice.choose(configuration.mover, facts, for: .daemon) {
            case .module: return module()
            case .kernel: return kind == .pv || configuration.mover == .kernel ? pv() : [unnamed] + pv()
            case .auto, .privcmd:
                guard let advice = MoverChoice.changeover(from: .privcmd, wanted: configuration.mover) else {
                    return own()
                }
                return own() + [check("mover-module", .advice, isFine: false) { advice }]
            }
        } catch {
            // The privcmd check already says what keeps privcmd from opening.
            let isTold = kind != .pv && error.code != .environment && error.code != .unsupportedGuest
            if isTold { return own() }
            let refused = check("mover", .run, isFine: false) { error.description }
            return [refused] + (kind == .pv ? pv() : [])
        }
    }

    /// Checks the module's device, which is all that it needs.
    private static func module() -> [Check] {
        var vnodes: [Check] = []
        let device = check("mover-module") { () throws(BalloonError) in
            guard let module = try ModuleDevice.open(), try module.state().hasVNUMA else { return }
            for number in 0..<(try module.state().vnodeCount) {
                let node = try module.vnode(number).node
                vnodes.append(
                    check("vnode\(number)", .later, isFine: node != nil) {
                        "no single Linux node lies in the memory of vnode \(number); boot without numa=off"
                    })
            }
        }
        return [device] + vnodes
    }

    private static let unnamed = check("mover-kernel", .advice, isFine: false) {
        "privcmd is locked and the kernel module is not loaded, so Linux's own balloon moves memory, 4 KiB at a time: for"
            + " 2 MiB extents run modprobe vnode_balloon, or boot with xen_privcmd.unrestricted=1; then restart the daemon"
    }

    /// Checks what Linux's own balloon needs. Hypercalls are only used to read what the domain has.
    private static func pv() -> [Check] {
        [
            check("kernel-balloon") { () throws(BalloonError) in _ = try KernelBalloon() },
            check("privcmd", .advice) { () throws(BalloonError) in _ = try PrivcmdHypervisor() },
        ]
    }

    private static func own(_ stateDirectory: String, _ store: Xenstore?) -> [Check] {
        var hypervisor: PrivcmdHypervisor?
        var checks = [check("privcmd") { () throws(BalloonError) in hypervisor = try PrivcmdHypervisor() }]
        checks.append(check("mount-namespace") { () throws(BalloonError) in try HugePageMount.checkNamespaces() })
        checks.append(check("huge-pages") { () throws(BalloonError) in try HugePageMount.checkSupport() })
        checks.append(
            check("pages") { () throws(BalloonError) in try HugePageMount.examine(stateDirectory: stateDirectory) })
        guard let hypervisor else { return checks }
        checks.append(
            check("other-balloons") { () throws(BalloonError) in
                guard let other = try BalloonMount.others(besides: stateDirectory).first else { return }
                throw BalloonError(.environment, other.advice)
            })
        checks.append(
            check("holder", .advice) { () throws(BalloonError) in try HolderTakeover.checkProgram(stateDirectory) })
        let client = (try? ControlClient(state: stateDirectory)) ?? nil
        if let missing = unaccounted(hypervisor, client, store) { checks.append(missing) }
        let process = client?.process.map { "\($0)" } ?? "self"
        return checks + vnodes(hypervisor, ProcessLimits(process: process))
    }

    private static func pressure() -> Check {
        check("pressure", .advice) { () throws(BalloonError) in
            guard !MemoryPressure.isMeasured else { return }
            throw BalloonError(
                .system,
                "the kernel does not measure memory pressure: on-pressure = yield goes by the nodes' memory alone;"
                    + " boot with psi=1, or build the kernel with CONFIG_PSI")
        }
    }

    private static func check(
        _ name: String, _ level: Level = .run, _ body: () throws(BalloonError) -> Void
    ) -> Check {
        do throws(BalloonError) {
            try body()
            return Check(name: name, isFine: true, level: level, fix: nil)
        } catch {
            return Check(name: name, isFine: false, level: level, fix: error.description)
        }
    }

    private static func vnodes(_ hypervisor: any Hypervisor, _ limits: ProcessLimits) -> [Check] {
        guard let zones = try? ZoneInfo.read(),
            let vnodes = try? Guest.vnodes(hypervisor, zones, staticMax: nil)
        else { return [] }
        return vnodes.map { vnode in
            check("vnode\(vnode.number)", .later, isFine: vnode.linuxNode != nil) {
                "no single Linux node lies in the memory of vnode \(vnode.number); boot without numa=off"
            }
        } + hotAdded(hypervisor, zones) + self.limits(of: vnodes, limits)
    }

    /// Reports hot-added memory; no check where there is none, as in most guests.
    private static func hotAdded(_ hypervisor: any Hypervisor, _ zones: ZoneInfo) -> [Check] {
        guard let memory = (try? hypervisor.vnumaTopology())??.ranges.map(\.frames) else { return [] }
        let added = zones.added(behind: memory)
        if added == .zero { return [] }
        return [
            check("hot-added", .advice, isFine: false) {
                "Linux hot-added memory behind all vnodes, up to \(Size.text(added.kib)): it is in no vnode, so it is not given"
            }
        ]
    }

    // MARK: Memory that no balloon accounts for

    /// nil where it is not known.
    private static func unaccounted(
        _ hypervisor: PrivcmdHypervisor, _ client: ControlClient?, _ store: Xenstore?
    ) -> Check? {
        guard let size = client == nil ? reckoned(hypervisor, store) : told(client) else { return nil }
        return check("unaccounted", .later, isFine: size == .zero) {
            "\(Size.text(size)) of this guest's memory are missing, and no balloon accounts for them; see balloonctl"
                + " status --explain"
        }
    }

    /// The size that a running daemon reports.
    private static func told(_ client: ControlClient?) -> KiB? {
        guard let answer = try? client?.ask(.status) else { return nil }
        let key = "\"unaccounted_kib\":"
        guard let end = answer.range(ofText: key) else { return nil }
        return decimalNumber(Array(answer.utf8[end...].prefix { (48...57).contains($0) })).map { KiB($0) }
    }

    /// The size reckoned without a daemon, and without asking Xen about the balloons' frames: all memory in their files
    /// counts as given.
    private static func reckoned(_ hypervisor: PrivcmdHypervisor, _ store: Xenstore?) -> KiB? {
        guard let kind = try? GuestKind.current(), let mounts = try? BalloonMount.all(),
            let reservation = try? hypervisor.currentReservation()
        else { return nil }
        var video: KiB?
        do { video = try store.flatMap { try VNodeInterface.videoRAM($0) } } catch { return nil }
        if store == nil && kind == .hvm { return nil }
        var account = MemoryAccount(kind, FirmwareMap.read(), videoRAM: video ?? .zero)
        let isDone = try? account.ask(atMost: 1 << 16) { (frame) throws(BalloonError) in
            try hypervisor.memoryType(of: frame).isRAM
        }
        guard isDone == true else { return nil }
        var files = mounts.reduce(KiB.zero) { $0 + $1.size }
        if let linux = try? KernelBalloon().read() { files += linux.balloon }
        return account.unaccounted(reservation: reservation.kib, balloons: files, lost: .zero)
    }

    // MARK: Others

    /// With memory/target present, two balloons would give the same memory twice.
    private static func memoryTarget(_ store: Xenstore?) -> Check {
        check("memory-target", .advice) { () throws(BalloonError) in
            guard let store, (try? store.read("memory/target", in: nil)) != nil else { return }
            throw BalloonError(
                .store,
                "memory/target is present: Linux's own balloon follows it as well; the toolstack should remove it")
        }
    }

    /// Every page of the pool lowers CommitLimit by 2 MiB.
    private static func overcommit() -> Check {
        check("overcommit", .advice) { () throws(BalloonError) in
            guard (try? readNumber("/proc/sys/vm/overcommit_memory")) == 2 else { return }
            throw BalloonError(
                .system,
                "vm.overcommit_memory is 2: what may be committed falls as the balloon grows;"
                    + " set it to 0, or raise vm.overcommit_ratio")
        }
    }
}

extension String {
    /// The end of the first occurrence of a text.
    fileprivate func range(ofText text: String) -> String.Index? {
        var rest = self[...]
        while !rest.isEmpty {
            if rest.hasPrefix(text) { return rest.index(rest.startIndex, offsetBy: text.count) }
            rest = rest.dropFirst()
        }
        return nil
    }
}
