internal import Glibc

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
    /// What our balloons hold, without Linux's part; nil: not known.
    public var balloons: UInt64? = 0

    public init(kind: Guest.Kind) { self.kind = kind }

    var firmwareRAM: UInt64 { firmware.filter(\.isRAM).reduce(0) { $0 + $1.kib } }
    /// What PCs keep for their adapters and their BIOS below 1 MiB; HVM guests' firmware names only a part of it.
    var legacyRange: UInt64 { Self.legacyEnd / 1024 - Self.ramKiB(firmware, within: 0..<Self.legacyEnd) }
    /// What a BIOS keeps for itself at the end of RAM. Only HVM guests have one; elsewhere ACPI tables may begin there.
    var biosRange: UInt64 {
        guard kind == .hvm else { return 0 }
        let ends = Set(firmware.filter { $0.isRAM && $0.end > Self.legacyEnd }.map(\.end))
        return firmware.filter { !$0.isRAM && ends.contains($0.start) }.reduce(0) { $0 + $1.kib }
    }

    static let legacyEnd: UInt64 = 1 << 20

    /// RAM at these addresses.
    static func ramKiB(_ ranges: [FirmwareRange], within addresses: Range<UInt64>) -> UInt64 {
        let bytes = ranges.reduce(UInt64(0)) { sum, range in
            guard range.isRAM else { return sum }
            return sum + UInt64((range.start..<range.end).clamped(to: addresses).count)
        }
        return bytes / 1024
    }
}

extension MemoryFigures {
    /// At most so many reserved frames are asked about, at 23 us each.
    private static let mostProbes: UInt64 = 65536

    /// Asks everybody.
    /// - Parameters:
    ///   - report: what the balloons are.
    ///   - hypervisor: nil where privcmd cannot be opened.
    /// - Throws: `.noXen` where this is no Xen guest. A figure that is not to be had is left out.
    public static func gather(
        _ report: StatusReport, _ hypervisor: PrivcmdHypervisor?
    ) throws(BalloonError) -> MemoryFigures {
        var figures = MemoryFigures(kind: try Guest.currentKind())
        figures.firmware = firmwareRanges()
        figures.memTotal = try? memTotal()
        figures.readStore()
        let all = figures.kind == .pv ? figures.staticMax : nil
        if let kernel = try? KernelBalloon(allKiB: all).read() {
            figures.kernelCurrent = kernel.currentKiB
            figures.kernelTarget = kernel.targetKiB
            figures.kernelBalloon = kernel.balloonKiB
        }
        figures.balloons = report.vnodes.reduce(0) { sum, vnode in
            vnode.balloonKib.flatMap { kib in sum.map { $0 + kib } }
        }
        // Without a balloon for each vnode Linux's part is in the one that there is already.
        if figures.kind == .pv || (try? hypervisor?.vnumaTopology()) == nil {
            figures.balloons = figures.balloons.map { $0 - min($0, figures.kernelBalloon ?? 0) }
        }
        if let hypervisor { figures.ask(hypervisor) }
        return figures
    }

    private mutating func ask(_ hypervisor: PrivcmdHypervisor) {
        currentReservation = try? hypervisor.currentReservation() * 4
        maximumReservation = try? hypervisor.maximumReservation() * 4
        highestFrameEnd = try? (hypervisor.maximumGFN() + 1) * 4
        guard kind != .pv else { return }
        reservedWithMemory = try? Self.reservedWithMemory(firmware) { frame throws(BalloonError) in
            try hypervisor.memoryType(of: frame).isRAM
        }
    }

    private mutating func readStore() {
        guard let store = try? Xenstore() else { return }
        func number(_ path: String) -> UInt64? {
            (try? store.read(path, in: nil)).flatMap { $0 }.flatMap(storedKiB)
        }
        staticMax = number("memory/static-max")
        videoRAM = number("memory/videoram")
        legacyTarget = number("memory/target")
    }

    /// Below 1 MiB all is asked about that is no RAM, also what the firmware does not name. Of a frame that RAM has a
    /// part of, the rest counts.
    static func reservedWithMemory(
        _ ranges: [FirmwareRange], isRAM: (UInt64) throws(BalloonError) -> Bool
    ) throws(BalloonError) -> UInt64? {
        let reserved = reservedFrames(ranges)
        guard reserved.reduce(0, { $0 + UInt64($1.count) }) <= mostProbes else { return nil }
        var kib: UInt64 = 0
        for frames in reserved {
            for frame in frames {
                let rest = 4 - ramKiB(ranges, within: frame * 4096..<(frame + 1) * 4096)
                if rest > 0, try isRAM(frame) { kib += rest }
            }
        }
        return kib
    }

    static func reservedFrames(_ ranges: [FirmwareRange]) -> [Range<UInt64>] {
        let first = 0..<legacyEnd / 4096
        return [first] + ranges.filter { !$0.isRAM }.map { $0.frames.clamped(to: first.upperBound..<UInt64.max) }
    }

    // MARK: The kernel's files

    /// None where one of them cannot be read: the sum of the others would be wrong.
    static func firmwareRanges(directory: String = "/sys/firmware/memmap") -> [FirmwareRange] {
        var ranges: [FirmwareRange] = []
        while true {
            let entry = "\(directory)/\(ranges.count)"
            do throws(BalloonError) { _ = try FileInfo(path: entry, "") } catch {
                return error.errno == ENOENT ? ranges : []
            }
            guard let start = address(entry + "/start"), let last = address(entry + "/end"), start <= last, last < .max,
                let type = try? text(entry + "/type")
            else { return [] }
            ranges.append(FirmwareRange(start: start, end: last + 1, type: type))
        }
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
