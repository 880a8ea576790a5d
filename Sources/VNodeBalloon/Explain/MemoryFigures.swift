internal import Glibc

/// One guest's memory in the figures of everybody who counts it; nil where there is no such figure.
public struct MemoryFigures: Equatable, Sendable {
    public var kind: GuestKind
    public var firmware: [FirmwareRange] = []
    public var memTotal: KiB?
    public var currentReservation: KiB?
    public var maximumReservation: KiB?
    /// The end of the highest guest frame that ever had memory.
    public var highestFrameEnd: KiB?
    public var staticMax: KiB?
    public var videoRAM: KiB?
    public var legacyTarget: KiB?
    public var kernelCurrent: KiB?
    public var kernelTarget: KiB?
    public var kernelBalloon: KiB?
    /// Memory behind frames that the firmware reserves; nil where nobody can ask.
    public var reservedWithMemory: KiB?
    /// What our balloons hold, without Linux's part; nil: not known.
    public var balloons: KiB? = .zero
    /// The kernel module takes what it holds out of MemTotal.
    public var isLeftOutOfMemTotal = false

    public init(kind: GuestKind) { self.kind = kind }

    var firmwareRAM: KiB { firmware.filter(\.isRAM).reduce(.zero) { $0 + $1.size } }
    /// What PCs keep for their adapters and their BIOS below 1 MiB; HVM guests' firmware names only a part of it.
    var legacyRange: KiB {
        KiB(wholeOfBytes: FirmwareMap.legacyEnd) - FirmwareMap.ram(firmware, within: 0..<FirmwareMap.legacyEnd)
    }
    /// What a BIOS keeps for itself at the end of RAM. Only HVM guests have one; elsewhere ACPI tables may begin there.
    var biosRange: KiB {
        guard kind == .hvm else { return .zero }
        let ends = Set(firmware.filter { $0.isRAM && $0.end > FirmwareMap.legacyEnd }.map(\.end))
        return firmware.filter { !$0.isRAM && ends.contains($0.start) }.reduce(.zero) { $0 + $1.size }
    }

}

extension MemoryFigures {
    /// At most so many reserved frames are asked about, at 23 us each.
    private static let mostProbes: UInt64 = 65536

    /// Collects the figures.
    /// - Parameters:
    ///   - balloons: what the balloons have, Linux's part as well; nil: not known.
    ///   - moduleVNodes: how many balloons the kernel module has; nil: something else moves memory.
    ///   - hypervisor: nil where privcmd cannot be opened.
    /// - Throws: `.noXen` where this is no Xen guest. A figure that cannot be read is left out.
    public static func gather(
        balloons: KiB?, moduleVNodes: Int?, _ hypervisor: PrivcmdHypervisor?
    ) throws(BalloonError) -> MemoryFigures {
        var figures = MemoryFigures(kind: try GuestKind.current())
        figures.firmware = FirmwareMap.read()
        figures.memTotal = try? memTotal()
        figures.readStore()
        let all = figures.kind == .pv ? figures.staticMax : nil
        if let kernel = try? KernelBalloon(all: all).read() {
            figures.kernelCurrent = kernel.current
            figures.kernelTarget = kernel.target
            figures.kernelBalloon = kernel.balloon
        }
        figures.balloons = balloons
        // Where one balloon covers all vnodes it contains Linux's part already.
        figures.isLeftOutOfMemTotal = moduleVNodes != nil
        let isJoint =
            moduleVNodes.map { $0 == 1 } ?? (figures.kind == .pv || (try? hypervisor?.vnumaTopology()) == nil)
        if isJoint {
            figures.balloons = figures.balloons.map { $0.less(figures.kernelBalloon ?? .zero) }
        }
        if let hypervisor { figures.ask(hypervisor) }
        return figures
    }

    private mutating func ask(_ hypervisor: PrivcmdHypervisor) {
        currentReservation = try? hypervisor.currentReservation().kib
        maximumReservation = try? hypervisor.maximumReservation().kib
        highestFrameEnd = try? Frames(hypervisor.maximumGFN() + 1).kib
        guard kind != .pv else { return }
        reservedWithMemory = try? Self.reservedWithMemory(firmware) { frame throws(BalloonError) in
            try hypervisor.memoryType(of: frame).isRAM
        }
    }

    private mutating func readStore() {
        guard let store = try? Xenstore() else { return }
        func size(_ path: String) -> KiB? {
            (try? store.read(path, in: nil)).flatMap { $0 }.flatMap(storedSize)
        }
        staticMax = size("memory/static-max")
        videoRAM = size("memory/videoram")
        legacyTarget = size("memory/target")
    }

    /// Below 1 MiB Xen is asked about all frames that are no RAM, also about those that the firmware does not name.
    /// Where a frame is RAM in part, its other part counts.
    static func reservedWithMemory(
        _ ranges: [FirmwareRange], isRAM: (UInt64) throws(BalloonError) -> Bool
    ) throws(BalloonError) -> KiB? {
        let reserved = FirmwareMap.reservedFrames(ranges)
        guard reserved.reduce(0, { $0 + UInt64($1.count) }) <= mostProbes else { return nil }
        var sum: KiB = .zero
        for frames in reserved {
            for frame in frames {
                let rest = Frames.one.kib - FirmwareMap.ram(ranges, within: frame * 4096..<(frame + 1) * 4096)
                if rest > .zero, try isRAM(frame) { sum += rest }
            }
        }
        return sum
    }

    // MARK: The kernel's files

    /// `MemTotal:  460884 kB`, the first line of /proc/meminfo.
    private static func memTotal() throws(BalloonError) -> KiB? {
        let text = String(decoding: try readFile("/proc/meminfo", limit: 64 << 10), as: UTF8.self)
        return UInt64(text.drop { !$0.isNumber }.prefix { $0.isNumber }).map { KiB($0) }
    }
}
