internal import Glibc

/// Chooses the mover of a guest. Pure.
struct MoverChoice {
    /// What the guest has. A fact that takes a while to find out is a closure, called only where it decides.
    struct Facts {
        var kind: GuestKind
        /// How much the kernel module gave; nil: it is not loaded.
        var moduleGiven: KiB?
        /// Why privcmd cannot be used; nil: it can.
        var privcmdFault: () -> BalloonError?
        /// Whether Xen gives this guest virtual NUMA; true also where that is not known.
        var hasVNUMA: () -> Bool
        /// The balloons that the privcmd mover has in files.
        var files: () throws(BalloonError) -> [BalloonMount]
        /// Whether a holder keeps pins of them. Where all names of the files were removed, nothing else tells of them.
        var hasPins: () throws(BalloonError) -> Bool
    }

    /// What the mover is for. If two movers had given memory at once, neither would know the other's size.
    enum Purpose {
        /// It follows targets, and must not begin while another mover's memory is given.
        case daemon
        /// It reads and takes back, with the mover that gave the memory.
        case command
    }

    /// - Throws: `.environment`: another mover has given memory that must come back first; `.privcmdLocked`, or another
    ///   error of privcmd, where no other mover is left; `.unsupportedGuest`.
    static func choose(_ wanted: MoverName, _ facts: Facts, for purpose: Purpose) throws(BalloonError) -> MoverName {
        let chosen = try first(wanted, facts)
        if chosen != .module, let size = facts.moduleGiven, size > .zero { throw givenByModule(size, chosen) }
        // A PV guest cannot have balloons in files.
        if chosen == .privcmd || facts.kind == .pv { return chosen }
        let mount = try facts.files().first { $0.size > .zero }
        if mount == nil, try !facts.hasPins() { return chosen }
        let isOnlyOne = purpose == .command || facts.moduleGiven ?? .zero == .zero
        if wanted == .auto, isOnlyOne, facts.privcmdFault() == nil { return .privcmd }
        throw mount.map { givenInFiles($0, chosen) } ?? givenInNamelessFiles(chosen)
    }

    private static func first(_ wanted: MoverName, _ facts: Facts) throws(BalloonError) -> MoverName {
        switch wanted {
        case .module:
            guard facts.moduleGiven != nil else {
                throw BalloonError(
                    .environment,
                    "mover is module, and the kernel module is not loaded: run modprobe vnode_balloon, or set mover = auto"
                )
            }
            return .module
        case .privcmd:
            guard facts.kind != .pv else {
                throw BalloonError(
                    .unsupportedGuest,
                    "mover is privcmd, and in a PV guest only the kernel can move memory: set mover = auto, module or kernel"
                )
            }
            if let fault = facts.privcmdFault() { throw fault }
            return .privcmd
        case .kernel:
            // A PV Linux has one node. With several nodes Linux's own balloon would take memory from any of them.
            guard facts.kind == .pv || !facts.hasVNUMA() else {
                throw BalloonError(
                    .unsupportedGuest,
                    "mover is kernel, and this guest has virtual NUMA: Linux's own balloon takes memory from any node; set"
                        + " mover = auto, module or privcmd")
            }
            return .kernel
        case .auto:
            if facts.moduleGiven != nil { return .module }
            if facts.kind == .pv { return .kernel }
            guard let fault = facts.privcmdFault() else { return .privcmd }
            // Other errors (no Xen devices, no right to open them) have a remedy of their own, so they are reported.
            guard fault.code == .privcmdLocked, !facts.hasVNUMA() else { throw fault }
            return .kernel
        }
    }

    /// How to change over to the module where it is loaded and the daemon goes on with privcmd; nil: there is nothing to
    /// change.
    static func changeover(from mover: MoverName, wanted: MoverName) -> String? {
        guard mover == .privcmd, wanted == .auto, (try? FileInfo(path: ModuleDevice.path, "")) != nil else {
            return nil
        }
        return
            "the kernel module is loaded, and the daemon goes on with privcmd because memory was given through it; to"
            + " change over, stop the daemon, run balloonctl deflate --all and balloonctl deflate --release, and start it"
            + " again"
    }

    private static func givenByModule(_ size: KiB, _ chosen: MoverName) -> BalloonError {
        BalloonError(
            .environment,
            "the kernel module holds \(Size.text(size)) of this guest's memory, which mover = \(chosen.rawValue) knows"
                + " nothing of: set mover = module, and take it back first (balloonctl deflate --all)")
    }

    private static func givenInFiles(_ mount: BalloonMount, _ chosen: MoverName) -> BalloonError {
        let directory = mount.stateDirectory
        return BalloonError(
            .environment,
            "the balloon in \(directory) has \(Size.text(mount.size)) that was given through privcmd, which mover ="
                + " \(chosen.rawValue) knows nothing of: take it back first (balloonctl deflate --all --state-dir"
                + " \(directory), then deflate --release), or set mover = privcmd")
    }

    private static func givenInNamelessFiles(_ chosen: MoverName) -> BalloonError {
        BalloonError(
            .environment,
            "a balloon's file lost its name, and a holder keeps memory in it that was given through privcmd, which mover ="
                + " \(chosen.rawValue) knows nothing of: set mover = privcmd, and take it back first (balloonctl deflate"
                + " --all)")
    }
}

extension MoverChoice {
    /// Chooses for this machine, and checks that it has what the mover needs. Makes and locks nothing.
    /// - Throws: what ``choose(_:_:for:)`` and ``Guest/checkPossible(_:stateDirectory:)`` do.
    /// - Parameter hasPins: whether the holder below a state directory keeps pins.
    static func ofThisGuest(
        _ configuration: Configuration, for purpose: Purpose,
        hasPins: @escaping (String) throws(BalloonError) -> Bool
    ) throws(BalloonError) -> MoverName {
        let state = configuration.stateDirectory
        let facts = try Facts.ofThisGuest { () throws(BalloonError) in try hasPins(state) }
        let chosen = try choose(configuration.mover, facts, for: purpose)
        try Guest.checkPossible(chosen, stateDirectory: configuration.stateDirectory)
        return chosen
    }
}

extension MoverChoice.Facts {
    /// The facts of this machine.
    /// - Parameter hasPins: whether a holder keeps pins.
    static func ofThisGuest(hasPins: @escaping () throws(BalloonError) -> Bool) throws(BalloonError) -> Self {
        Self(
            kind: try GuestKind.current(), moduleGiven: try moduleGiven(),
            privcmdFault: {
                do throws(BalloonError) {
                    _ = try PrivcmdHypervisor()
                    return nil
                } catch {
                    return error
                }
            }, hasVNUMA: hasVNUMA, files: BalloonMount.all, hasPins: hasPins)
    }

    private static func moduleGiven() throws(BalloonError) -> KiB? {
        guard let module = try ModuleDevice.open() else { return nil }
        var extents = 0
        for vnode in 0..<ModuleDevice.mostVNodes {
            let it = try module.vnode(vnode)
            extents += it.given + it.doubt
        }
        return .mib(2) * UInt64(extents)
    }

    /// The toolstack describes the nodes to Linux in a firmware table (SRAT), and makes none without virtual NUMA. A
    /// kernel that reads no such tables (acpi=off) gives no answer.
    private static func hasVNUMA() -> Bool {
        let tables = "/sys/firmware/acpi/tables"
        guard (try? FileInfo(path: tables, "")) != nil else { return true }
        do throws(BalloonError) {
            _ = try FileInfo(path: tables + "/SRAT", "")
            return true
        } catch {
            return error.errno != ENOENT
        }
    }
}
