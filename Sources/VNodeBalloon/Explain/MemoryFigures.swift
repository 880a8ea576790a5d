internal import Glibc

/// One guest's memory in the figures of everybody who counts it. Sizes in KiB; nil where there is no such figure.
public struct MemoryFigures: Equatable, Sendable {
    public var kind: GuestKind
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
    /// The kernel module takes what it holds out of MemTotal.
    public var isLeftOutOfMemTotal = false

    public init(kind: GuestKind) { self.kind = kind }

    var firmwareRAM: UInt64 { firmware.filter(\.isRAM).reduce(0) { $0 + $1.kib } }
    /// What PCs keep for their adapters and their BIOS below 1 MiB; HVM guests' firmware names only a part of it.
    var legacyRange: UInt64 {
        FirmwareMap.legacyEnd / 1024 - FirmwareMap.ramKiB(firmware, within: 0..<FirmwareMap.legacyEnd)
    }
    /// What a BIOS keeps for itself at the end of RAM. Only HVM guests have one; elsewhere ACPI tables may begin there.
    var biosRange: UInt64 {
        guard kind == .hvm else { return 0 }
        let ends = Set(firmware.filter { $0.isRAM && $0.end > FirmwareMap.legacyEnd }.map(\.end))
        return firmware.filter { !$0.isRAM && ends.contains($0.start) }.reduce(0) { $0 + $1.kib }
    }

}

extension MemoryFigures {
    /// At most so many reserved frames are asked about, at 23 us each.
    private static let mostProbes: UInt64 = 65536

    /// Asks everybody.
    /// - Parameters:
    ///   - balloonsKiB: what the balloons have, Linux's part as well; nil: not known.
    ///   - moduleVNodes: how many balloons the kernel module has; nil: something else moves memory.
    ///   - hypervisor: nil where privcmd cannot be opened.
    /// - Throws: `.noXen` where this is no Xen guest. A figure that is not to be had is left out.
    public static func gather(
        balloonsKiB: UInt64?, moduleVNodes: Int?, _ hypervisor: PrivcmdHypervisor?
    ) throws(BalloonError) -> MemoryFigures {
        var figures = MemoryFigures(kind: try GuestKind.current())
        figures.firmware = FirmwareMap.read()
        figures.memTotal = try? memTotal()
        figures.readStore()
        let all = figures.kind == .pv ? figures.staticMax : nil
        if let kernel = try? KernelBalloon(allKiB: all).read() {
            figures.kernelCurrent = kernel.currentKiB
            figures.kernelTarget = kernel.targetKiB
            figures.kernelBalloon = kernel.balloonKiB
        }
        figures.balloons = balloonsKiB
        // Without a balloon for each vnode Linux's part is in the one that there is already.
        figures.isLeftOutOfMemTotal = moduleVNodes != nil
        let isJoint =
            moduleVNodes.map { $0 == 1 } ?? (figures.kind == .pv || (try? hypervisor?.vnumaTopology()) == nil)
        if isJoint {
            figures.balloons = figures.balloons.map { $0 - min($0, figures.kernelBalloon ?? 0) }
        }
        if let hypervisor { figures.ask(hypervisor) }
        return figures
    }

    private mutating func ask(_ hypervisor: PrivcmdHypervisor) {
        currentReservation = try? hypervisor.currentReservation().kib.count
        maximumReservation = try? hypervisor.maximumReservation().kib.count
        highestFrameEnd = try? Frames(hypervisor.maximumGFN() + 1).kib.count
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
        let reserved = FirmwareMap.reservedFrames(ranges)
        guard reserved.reduce(0, { $0 + UInt64($1.count) }) <= mostProbes else { return nil }
        var kib: UInt64 = 0
        for frames in reserved {
            for frame in frames {
                let rest = 4 - FirmwareMap.ramKiB(ranges, within: frame * 4096..<(frame + 1) * 4096)
                if rest > 0, try isRAM(frame) { kib += rest }
            }
        }
        return kib
    }

    // MARK: The kernel's files

    /// `MemTotal:  460884 kB`, the first line of /proc/meminfo.
    private static func memTotal() throws(BalloonError) -> UInt64? {
        let text = String(decoding: try readFile("/proc/meminfo", limit: 64 << 10), as: UTF8.self)
        return UInt64(text.drop { !$0.isNumber }.prefix { $0.isNumber })
    }
}
