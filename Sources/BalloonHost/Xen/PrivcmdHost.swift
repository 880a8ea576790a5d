internal import CBalloonShim
internal import Glibc

/// Xen, asked through /dev/xen/privcmd with structs of our own: one program for Xen 4.17 to 4.22.
@safe
public final class PrivcmdHost: HostXen {
    // Unsafe: the shim keeps descriptors and a mapping in it. No other code touches them.
    private var host = unsafe cb_host()

    /// - Throws: `.noXen`, `.environment` where this is no toolstack's domain or Xen's interface is not known.
    public init() throws(BalloonError) {
        let result = unsafe cb_host_open(&host, 2000)
        switch -result {
        case ...0: return
        case ENOENT, ENODEV, ENXIO:
            throw BalloonError(
                .noXen, "there is no /dev/xen/privcmd: `balloonctl host` runs in Xen's dom0 (modprobe xen-privcmd)",
                errno: -result)
        case EPERM, EACCES, ENOSYS:
            throw BalloonError(
                .environment, "Xen does not let this domain query other domains: `balloonctl host` runs in dom0",
                errno: -result)
        case EPROTO:
            throw BalloonError(
                .environment, "this Xen's toolstack interface is not one that is known here (4.17 to 4.22 are)",
                errno: -result)
        default: throw BalloonError(.environment, "cannot reach Xen through /dev/xen/privcmd", errno: -result)
        }
    }

    deinit { unsafe cb_host_close(&host) }

    /// Versions of Xen's interfaces: domctl, sysctl.
    public var versions: (domctl: UInt32, sysctl: UInt32) { unsafe (host.domctl_version, host.sysctl_version) }

    /// What Xen itself was started with; nil: not known.
    public var commandLine: String? {
        var text = [UInt8](repeating: 0, count: 1024)
        // Unsafe: the shim fills at most the list's length.
        let length = unsafe text.withUnsafeMutableBufferPointer {
            unsafe cb_host_command_line(&host, $0.baseAddress, UInt32($0.count))
        }
        return length < 0 ? nil : String(decoding: text.prefix(Int(length)), as: UTF8.self)
    }

    /// Has Xen count the pages of all domains on each node, once (debug key u). Each page costs 22 ns at best: six
    /// seconds for a guest of 1 TiB, whose memory no hypercall can change meanwhile.
    /// - Returns: what Xen says of it on its console, and what it cost.
    /// - Throws: `.hypercall`.
    public func walkNodes() throws(BalloonError) -> (text: String, cost: Interval) {
        var index: UInt32 = 0
        // What the console already has is older than this count.
        while !(try console(&index)).isEmpty {}
        let before = Moment.now
        // Unsafe: the shim presses the key.
        try check(unsafe cb_host_press(&host, 117), .hypercall, "Xen does not take the debug key u")
        let cost = Moment.now - before
        var bytes: [UInt8] = []
        while true {
            let more = try console(&index)
            if more.isEmpty { break }
            bytes += more
        }
        return (String(decoding: bytes, as: UTF8.self), cost)
    }

    /// What Xen's console has from there on.
    private func console(_ index: inout UInt32) throws(BalloonError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        // Unsafe: the shim fills at most the list's length.
        let length = unsafe bytes.withUnsafeMutableBufferPointer {
            unsafe cb_host_console(&host, &index, $0.baseAddress, UInt32($0.count))
        }
        try check(length, .hypercall, "Xen's console cannot be read")
        return Array(bytes.prefix(Int(length)))
    }

    private static let chunk = 512

    public func domains() throws(BalloonError) -> [DomainFacts] {
        var all: [DomainFacts] = []
        var first: UInt16 = 0
        var buffer = [cb_domain](repeating: cb_domain(), count: Self.chunk)
        while true {
            let count = unsafe buffer.withUnsafeMutableBufferPointer {
                // Unsafe: a list and its length.
                unsafe cb_host_domains(&host, first, $0.baseAddress, UInt32($0.count))
            }
            try check(count, .hypercall, "Xen does not list its domains")
            all += buffer.prefix(Int(count)).map(Self.facts)
            guard count == Self.chunk, let last = all.last, last.id < UInt16.max else { return all }
            first = last.id + 1
        }
    }

    private static func facts(_ domain: cb_domain) -> DomainFacts {
        func has(_ flag: Int) -> Bool { domain.flags & UInt32(flag) != 0 }
        // A PVH guest has the local APIC and nothing else; a PV guest nothing, or dom0's timer.
        let kind: DomainFacts.Kind = !has(CB_DOMAIN_HVM) ? .pv : domain.emulation & ~1 == 0 ? .pvh : .hvm
        var facts = DomainFacts(
            id: domain.domain, uuid: uuid(domain.handle), kind: kind, pages: Frames(domain.pages),
            maxPages: Frames(domain.max_pages),
            vcpus: Int(min(domain.vcpus, 1 << 20)))
        facts.isPaused = has(CB_DOMAIN_PAUSED)
        facts.isDying = has(CB_DOMAIN_DYING)
        facts.isShutdown = has(CB_DOMAIN_SHUTDOWN)
        return facts
    }

    private static func uuid<Handle>(_ handle: Handle) -> String {
        // Unsafe: sixteen bytes of a C array, copied.
        let bytes = unsafe withUnsafeBytes(of: handle) { unsafe Array($0) }
        return uuidText(bytes)
    }

    public func machine() throws(BalloonError) -> MachineFacts {
        var machine = cb_machine()
        // Unsafe: the shim fills the struct.
        try check(unsafe cb_host_machine(&host, &machine), .hypercall, "Xen does not tell of the machine's memory")
        return MachineFacts(
            totalPages: Frames(machine.total_pages), freePages: Frames(machine.free_pages),
            claimedPages: Frames(machine.claimed_pages))
    }

    public func nodes() throws(BalloonError) -> [NodeFacts] {
        var buffer = [cb_node](repeating: cb_node(), count: 256)
        let count = unsafe buffer.withUnsafeMutableBufferPointer {
            // Unsafe: a list and its length.
            unsafe cb_host_nodes(&host, $0.baseAddress, UInt32($0.count))
        }
        try check(count, .hypercall, "Xen does not tell of its NUMA nodes")
        return buffer.prefix(Int(count)).map {
            NodeFacts(size: KiB(wholeOfBytes: $0.size), free: KiB(wholeOfBytes: $0.free))
        }
    }

    public func vnodeSizes(_ domain: UInt16) throws(BalloonError) -> [KiB]? {
        var vnuma = cb_vnuma()
        // Unsafe: the shim fills the struct; its counts are within its arrays.
        let result = unsafe cb_host_vnuma(&host, domain, &vnuma)
        if result == -EOPNOTSUPP { return nil }
        try check(result, .hypercall, "Xen does not tell the virtual NUMA layout of domain \(domain)")
        var sizes = [KiB](repeating: .zero, count: Int(vnuma.nr_vnodes))
        unsafe withUnsafeBytes(of: vnuma.vmemranges) { raw in
            let ranges = unsafe raw.bindMemory(to: cb_vmemrange.self)
            for index in 0..<Int(vnuma.nr_vmemranges) {
                let range = unsafe ranges[index]
                guard range.vnode < UInt32(sizes.count), range.end_gfn > range.start_gfn else { continue }
                sizes[Int(range.vnode)] += Frames(range.end_gfn - range.start_gfn).kib
            }
        }
        return sizes.isEmpty ? nil : sizes
    }

    public func setMax(_ domain: UInt16, kib: KiB) throws(BalloonError) {
        let result = unsafe cb_host_set_max(&host, domain, kib.count)
        try check(result, .hypercall, "Xen does not set the maximum of domain \(domain) to \(Size.text(kib))")
    }
}

/// "6d2a1c5e-....": sixteen bytes as UUIDs are written.
func uuidText(_ bytes: [UInt8]) -> String {
    bytes.enumerated().map { index, byte in
        ([4, 6, 8, 10].contains(index) ? "-" : "") + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined()
}
