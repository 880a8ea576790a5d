/// What Xen has behind a guest frame, as HVMOP_get_mem_type reports it.
public struct MemoryType: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt16

    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// HVMMEM_ram_rw.
    public static let ram = MemoryType(rawValue: 0)
    /// HVMMEM_ram_ro: RAM while the domain is being migrated (log-dirty).
    public static let ramLogDirty = MemoryType(rawValue: 1)
    /// HVMMEM_mmio_dm: there is no memory. The frame reads as all ones and swallows writes.
    public static let hole = MemoryType(rawValue: 2)

    /// Memory that may be freed or given.
    public var isRAM: Bool { self == .ram || self == .ramLogDirty }
    /// A frame that may be populated. A frame that is neither RAM nor a hole is left alone.
    public var isHole: Bool { self == .hole }
}
