/// One guest's memory in the figures of everybody who counts it. Sizes in KiB; nil where there is no such figure.
public struct MemoryFigures: Equatable, Sendable {
    /// A range of the firmware's memory map (/sys/firmware/memmap), as the kernel was given it.
    public struct FirmwareRange: Equatable, Sendable {
        public var start: UInt64
        /// Exclusive.
        public var end: UInt64
        public var type: String

        public init(start: UInt64, end: UInt64, type: String) {
            self.start = start
            self.end = end
            self.type = type
        }

        var isRAM: Bool { type == "System RAM" }
        var kib: UInt64 { (end - start) / 1024 }
        /// Guest frames, also those that only a part of lies in the range.
        var frames: Range<UInt64> { start / 4096..<(end + 4095) / 4096 }
    }

    public var kind: Guest.Kind
    public var firmware: [FirmwareRange] = []
    public var memTotal: UInt64?
    public var currentReservation: UInt64?
    public var maximumReservation: UInt64?
    /// The end of the highest guest frame that ever had memory.
    public var highestFrameEnd: UInt64?
    public var staticMax: UInt64?
    public var videoRAM: UInt64?
    public var legacyTarget: UInt64?
    public var kernelCurrent: UInt64?
    public var kernelTarget: UInt64?
    public var kernelBalloon: UInt64?
    /// Memory behind frames that the firmware reserves; nil where nobody can ask.
    public var reservedWithMemory: UInt64?
    /// What our balloons hold, without Linux's part.
    public var balloons: UInt64 = 0

    public init(kind: Guest.Kind) { self.kind = kind }

    var firmwareRAM: UInt64 { firmware.filter(\.isRAM).reduce(0) { $0 + $1.kib } }
    /// The ranges below 1 MiB that PCs keep for their adapters.
    var legacyRange: UInt64 { firmware.filter { !$0.isRAM && $0.end <= 1 << 20 }.reduce(0) { $0 + $1.kib } }
}

extension MemoryFigures {
    /// At most so many reserved frames are asked about, at 23 us each.
    private static let mostProbes: UInt64 = 65536

    /// Asks everybody.
    /// - Parameter report: what the balloons are.
    /// - Throws: `.noXen` where this is no Xen guest. A figure that is not to be had is left out.
    public static func gather(_ report: StatusReport) throws(BalloonError) -> MemoryFigures {
        var figures = MemoryFigures(kind: try Guest.currentKind())
        figures.firmware = firmwareRanges()
        figures.memTotal = try? memTotal()
        figures.readStore()
        if let kernel = try? KernelBalloon().read() {
            figures.kernelCurrent = kernel.currentKiB
            figures.kernelTarget = kernel.targetKiB
            figures.kernelBalloon = kernel.balloonKiB
        }
        let hypervisor = try? PrivcmdHypervisor()
        figures.balloons = report.vnodes.reduce(0) { $0 + $1.balloonKib }
        // Without a balloon for each vnode Linux's part is in the one that there is already.
        if figures.kind == .pv || (try? hypervisor?.vnumaTopology()) == nil {
            figures.balloons -= min(figures.balloons, figures.kernelBalloon ?? 0)
        }
        if let hypervisor { figures.ask(hypervisor) }
        return figures
    }

    private mutating func ask(_ hypervisor: PrivcmdHypervisor) {
        currentReservation = try? hypervisor.currentReservation() * 4
        maximumReservation = try? hypervisor.maximumReservation() * 4
        highestFrameEnd = try? (hypervisor.maximumGFN() + 1) * 4
        if kind != .pv { reservedWithMemory = try? Self.reservedWithMemory(firmware, hypervisor) }
    }

    private mutating func readStore() {
        guard let store = try? Xenstore() else { return }
        func number(_ path: String) -> UInt64? {
            (try? store.read(path, in: nil)).flatMap { $0 }.flatMap(decimalNumber)
        }
        staticMax = number("memory/static-max")
        videoRAM = number("memory/videoram")
        legacyTarget = number("memory/target")
    }

    private static func reservedWithMemory(
        _ ranges: [FirmwareRange], _ hypervisor: any Hypervisor
    ) throws(BalloonError) -> UInt64? {
        let reserved = ranges.filter { !$0.isRAM }
        guard reserved.reduce(0, { $0 + UInt64($1.frames.count) }) <= mostProbes else { return nil }
        var frames: UInt64 = 0
        for range in reserved {
            for frame in range.frames where try hypervisor.memoryType(of: frame).isRAM { frames += 1 }
        }
        return frames * 4
    }

    // MARK: The kernel's files

    static func firmwareRanges(directory: String = "/sys/firmware/memmap") -> [FirmwareRange] {
        var ranges: [FirmwareRange] = []
        while let start = address("\(directory)/\(ranges.count)/start"),
            let last = address("\(directory)/\(ranges.count)/end"), start <= last,
            let type = try? text("\(directory)/\(ranges.count)/type")
        {
            ranges.append(FirmwareRange(start: start, end: last + 1, type: type))
        }
        return ranges
    }

    private static func address(_ path: String) -> UInt64? {
        guard let text = try? text(path), text.hasPrefix("0x") else { return nil }
        return UInt64(text.dropFirst(2), radix: 16)
    }

    private static func text(_ path: String, limit: Int = 256) throws(BalloonError) -> String {
        String(decoding: try readFile(path, limit: limit).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    /// `MemTotal:  460884 kB`, the first line of /proc/meminfo.
    private static func memTotal() throws(BalloonError) -> UInt64? {
        UInt64(try text("/proc/meminfo", limit: 64 << 10).drop { !$0.isNumber }.prefix { $0.isNumber })
    }
}
