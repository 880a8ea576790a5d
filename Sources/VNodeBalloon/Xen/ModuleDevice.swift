internal import CBalloonShim
internal import Glibc

/// The module through its device, /dev/vnode-balloon.
public final class ModuleDevice: BalloonModule {
    public static let path = CB_MODULE_DEVICE
    /// The most vnodes that there can be: memory of a vnode that no longer exists may still be given.
    static let mostVNodes = Int(CB_MAX_VNODES)
    private let file: FileDescriptor

    /// - Parameter module: what is there while the module is loaded.
    /// - Returns: nil where no such module is loaded.
    /// - Throws: `.environment`: it is loaded, and cannot be used.
    public static func open(
        _ path: String = path, module: String = "/sys/module/vnode_balloon"
    ) throws(BalloonError) -> ModuleDevice? {
        // Unsafe: a C string for the call.
        let opened = unsafe cb_module_open(path)
        if [-ENOENT, -ENODEV, -ENXIO].contains(opened) {
            // The module may hold memory, although its device cannot be seen from here.
            guard opened == -ENOENT, (try? FileInfo(path: module, "")) != nil else { return nil }
            throw BalloonError(
                .environment,
                "the kernel module is loaded, and there is no \(path) here: run this where /dev is the machine's own",
                errno: ENOENT)
        }
        let file = FileDescriptor(
            try check(
                opened, .environment,
                "the kernel module is loaded, and its device \(path) does not open: run this as root, and in a"
                    + " service with packaging/module.conf beside its unit (systemctl daemon-reload)"
            ))
        let device = ModuleDevice(file)
        let state = try device.read()
        guard state.vnodes > 0, Int(state.vnodes) <= Int(CB_MAX_VNODES), state.extent_frames == 512 else {
            throw BalloonError(
                .environment,
                "the kernel module knows \(state.vnodes) vnodes, of extents of \(state.extent_frames) frames: that is nothing"
                    + " this program can use; the kernel's log says what the module found")
        }
        return device
    }

    private init(_ file: FileDescriptor) { self.file = file }

    public var descriptor: Int32? { file.rawValue }

    public func state() throws(BalloonError) -> ModuleState {
        let it = try read()
        var state = ModuleState()
        state.hasVNUMA = it.has_vnuma
        state.vnodeCount = Int(it.vnodes)
        state.isMigrating = it.is_migrating
        state.isUnsure = it.is_unsure
        state.reservation = Frames(it.reservation)
        state.maximum = Frames(it.maximum)
        return state
    }

    private func read() throws(BalloonError) -> cb_module_state {
        var it = cb_module_state()
        // Unsafe: the shim fills the struct.
        try check(unsafe cb_module_state(file.rawValue, &it), "the kernel module does not tell its state")
        return it
    }

    public func vnode(_ number: Int) throws(BalloonError) -> ModuleVNode {
        var it = cb_module_vnode()
        // Unsafe: the shim fills the struct.
        let result = unsafe cb_module_vnode(file.rawValue, UInt32(number), &it)
        try check(result, vnode: number, "the kernel module does not tell what is held")
        return ModuleVNode(
            node: it.node >= 0 ? Int(it.node) : nil, size: Frames(it.frames).kib, given: Int(it.held),
            doubt: Int(it.doubt))
    }

    public func give(vnode: Int, extents: Int) throws(BalloonError) -> ModuleMove {
        var it = cb_module_move()
        // Unsafe: the shim fills the struct.
        let result = unsafe cb_module_hold(file.rawValue, UInt32(vnode), UInt64(extents), &it)
        return try move(result, it, vnode)
    }

    public func release(vnode: Int, extents: Int) throws(BalloonError) -> ModuleMove {
        var it = cb_module_move()
        // Unsafe: the shim fills the struct.
        let result = unsafe cb_module_release(file.rawValue, UInt32(vnode), UInt64(extents), &it)
        return try move(result, it, vnode)
    }

    public func rehome(vnode: Int, extents: Int) throws(BalloonError) -> ModuleMove {
        var it = cb_module_move()
        // Unsafe: the shim fills the struct.
        let result = unsafe cb_module_rehome(file.rawValue, UInt32(vnode), UInt64(extents), &it)
        return try move(result, it, vnode)
    }

    public func audit(vnode: Int, extents: Range<Int>) throws(BalloonError) -> ModuleAudit {
        var it = cb_module_audit()
        let (first, count) = (UInt64(extents.lowerBound), UInt64(extents.count))
        // Unsafe: the shim fills the struct.
        let result = unsafe cb_module_audit(file.rawValue, UInt32(vnode), first, count, &it)
        try check(result, vnode: vnode, "the kernel module does not audit")
        return ModuleAudit(extents: Int(it.extents), ram: it.ram, other: it.other)
    }

    public func keep(vnode: Int, extents: Int) throws(BalloonError) {
        let result = cb_module_keep(file.rawValue, UInt32(vnode), UInt64(extents))
        try check(result, vnode: vnode, "the kernel module does not take what its OOM notifier leaves")
    }

    private func move(_ result: Int32, _ it: cb_module_move, _ vnode: Int) throws(BalloonError) -> ModuleMove {
        try check(result, vnode: vnode, "the kernel module does not move memory")
        return ModuleMove(done: Int(it.done), reason: try Self.reason(it.reason))
    }

    private static func reason(_ number: UInt32) throws(BalloonError) -> ModuleMove.Reason {
        // In the order of the header; its numbers are checked there.
        let all: [ModuleMove.Reason] = [
            .all, .noMemory, .refused, .atMaximum, .migrating, .interrupted, .pressure, .unsure, .empty, .unknownPlace,
            .closed,
        ]
        guard number < all.count else {
            throw BalloonError(.system, "the kernel module gives a reason that this program does not know: \(number)")
        }
        return all[Int(number)]
    }
}

/// What the domain has, as the module is told by Xen. Nobody else can ask while privcmd is locked.
final class ModuleFigures: DomainFigures {
    private let module: any BalloonModule
    /// Where privcmd is open, frames can be asked about, too.
    private let hypervisor: PrivcmdHypervisor?

    init(_ module: any BalloonModule, _ hypervisor: PrivcmdHypervisor?) {
        self.module = module
        self.hypervisor = hypervisor
    }

    func currentReservation() throws(BalloonError) -> Frames { try module.state().reservation }
    func maximumReservation() throws(BalloonError) -> Frames { try module.state().maximum }
    func suspension() -> Suspension { .now() }

    func isMemory(_ gfn: UInt64) throws(BalloonError) -> Bool {
        guard let hypervisor else { throw BalloonError(.privcmdLocked, "the kernel lets nobody ask Xen about a frame") }
        return try hypervisor.memoryType(of: gfn).isRAM
    }
}
