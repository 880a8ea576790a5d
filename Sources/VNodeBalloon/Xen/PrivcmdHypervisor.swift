internal import CBalloonShim
internal import Glibc

/// Xen, through /dev/xen/privcmd.
// Safe to use: the pointers into the hypercall buffer stay inside, and live as long as the object.
@safe
public final class PrivcmdHypervisor: Hypervisor {
    public let extents: ExtentBuffer
    private var xen: cb_xen
    private let topology: VNUMATopology?
    /// Frames that the guest never writes. While the domain is log-dirty, a frame that was not written reads as type 1.
    private let witnesses: [UInt64]

    /// How long privcmd may take to open: the kernel waits for xenstore first.
    static let openTimeoutMilliseconds: UInt32 = 5000

    /// Opens privcmd and tries a harmless hypercall, because only a hypercall shows whether privcmd is locked.
    ///
    /// - Parameter capacity: room in the list of extents. The order-0 repair needs room for the frames of one extent.
    /// - Throws: `.noXen` (no device, or not a Xen guest), `.privcmdLocked` (XSA-482), `.hypercall`.
    public init(capacity: Int = Int(ExtentBuffer.framesPerExtent)) throws(BalloonError) {
        var xen = unsafe cb_xen()
        let opened = unsafe cb_xen_open(&xen, UInt32(capacity), Self.openTimeoutMilliseconds)
        guard opened >= 0 else { throw Self.openError(-opened) }
        let reservation = unsafe cb_xen_current_reservation(&xen)
        guard reservation >= 0 else {
            unsafe cb_xen_close(&xen)
            throw Self.callError("XENMEM_current_reservation", Int32(-reservation))
        }
        do throws(BalloonError) {
            topology = try unsafe Self.readTopology(&xen)
            witnesses = try KernelCode.frames()
        } catch {
            unsafe cb_xen_close(&xen)
            throw error
        }
        // Done after the topology, because reading that may grow the buffer, and so move it.
        let frames = unsafe UnsafeMutableBufferPointer(start: cb_xen_frames(&xen), count: capacity)
        unsafe extents = ExtentBuffer(unsafeMemory: frames)
        unsafe self.xen = unsafe xen
    }

    deinit { unsafe cb_xen_close(&xen) }

    public func decreaseReservation() throws(BalloonError) -> Int {
        let done = unsafe cb_xen_decrease_reservation(&xen, UInt32(extents.count), UInt32(extents.order))
        return Int(try Self.counted(done, "XENMEM_decrease_reservation"))
    }

    public func populatePhysmap(vnode: Int?, from source: MemorySource) throws(BalloonError) -> Int {
        let (count, order) = (UInt32(extents.count), UInt32(extents.order))
        let done = unsafe cb_xen_populate_physmap(&xen, count, order, Self.number(vnode), source == .ownPNode)
        return Int(try Self.counted(done, "XENMEM_populate_physmap"))
    }

    public func currentReservation() throws(BalloonError) -> Frames {
        Frames(UInt64(try Self.counted(unsafe cb_xen_current_reservation(&xen), "XENMEM_current_reservation")))
    }

    public func maximumReservation() throws(BalloonError) -> Frames {
        Frames(UInt64(try Self.counted(unsafe cb_xen_maximum_reservation(&xen), "XENMEM_maximum_reservation")))
    }

    /// The highest guest frame that ever had memory (XENMEM_maximum_gpfn).
    /// - Throws: `.privcmdLocked`, `.hypercall`.
    public func maximumGFN() throws(BalloonError) -> UInt64 {
        UInt64(try Self.counted(unsafe cb_xen_maximum_gpfn(&xen), "XENMEM_maximum_gpfn"))
    }

    public func memoryType(of gfn: UInt64) throws(BalloonError) -> MemoryType {
        let type = try Self.counted(Int64(unsafe cb_xen_memory_type(&xen, gfn)), "HVMOP_get_mem_type")
        return MemoryType(rawValue: UInt16(truncatingIfNeeded: type))
    }

    public func memoryTypes(
        from first: UInt64, every step: UInt64, count: Int
    ) throws(BalloonError) -> [MemoryType] {
        precondition(count > 0 && count <= Int(CB_MAX_PROBES), "more frames than one multicall has")
        var types = [UInt16](repeating: 0, count: count)
        // Unsafe: a list and its length, for the call.
        let result = unsafe types.withUnsafeMutableBufferPointer {
            unsafe cb_xen_memory_types(&xen, first, step, UInt32($0.count), $0.baseAddress)
        }
        _ = try Self.counted(Int64(result), "HVMOP_get_mem_type")
        return types.map { MemoryType(rawValue: $0) }
    }

    public func vnumaTopology() throws(BalloonError) -> VNUMATopology? { topology }

    public func suspension() -> Suspension { .now() }

    public func isBeingSent() throws(BalloonError) -> Bool {
        for gfn in witnesses where try memoryType(of: gfn) == .ramLogDirty { return true }
        return false
    }

    // MARK: The shim's edge

    private static func number(_ vnode: Int?) -> Int32 { vnode.map(Int32.init) ?? -1 }

    private static func readTopology(_ xen: inout cb_xen) throws(BalloonError) -> VNUMATopology? {
        var info = cb_vnuma()
        let result = unsafe cb_xen_vnuma(&xen, &info)
        if result == -EOPNOTSUPP { return nil }
        _ = try counted(Int64(result), "XENMEM_get_vnumainfo")
        let count = Int(info.nr_vmemranges)
        // Swift sees a C array as a tuple. Its bytes can be read as a list.
        let ranges = unsafe withUnsafeBytes(of: &info.vmemranges) { bytes in
            unsafe bytes.bindMemory(to: cb_vmemrange.self).prefix(count).map { range in
                (vnode: range.vnode, start: range.start_gfn, end: range.end_gfn)
            }
        }
        return try VNUMATopology(vnodeCount: Int(info.nr_vnodes), untrusted: ranges)
    }

    private static func counted(_ result: Int64, _ call: String) throws(BalloonError) -> Int64 {
        if result >= 0 { return result }
        throw callError(call, Int32(-result))
    }

    private static func openError(_ error: Int32) -> BalloonError {
        if error == ETIMEDOUT {
            return BalloonError(
                .noXen, "/dev/xen/privcmd does not open because xenstore does not answer; is xenstored running in dom0?"
            )
        }
        if error == EACCES || error == EPERM {
            return BalloonError(.notRoot, "/dev/xen/privcmd may be opened by root only; run this as root", errno: error)
        }
        return BalloonError(
            .noXen,
            "no Xen here: /dev/xen/privcmd or /dev/xen/hypercall is missing; in a Xen guest put"
                + " \"options xen-privcmd unrestricted=1\" into /etc/modprobe.d/xen-privcmd.conf and run: modprobe xen-privcmd",
            errno: error)
    }

    static func callError(_ call: String, _ error: Int32) -> BalloonError {
        if error == EPERM {
            return BalloonError(
                .privcmdLocked,
                "the kernel locks /dev/xen/privcmd (XSA-482): boot with xen_privcmd.unrestricted=1, or put"
                    + " \"options xen-privcmd unrestricted=1\" into /etc/modprobe.d and load the module again;"
                    + " a locked-down kernel (Secure Boot) ignores both. Or load the kernel module, which needs neither:"
                    + " modprobe vnode_balloon")
        }
        return BalloonError(.hypercall, "the hypercall \(call) failed", errno: error)
    }
}
