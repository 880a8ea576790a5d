import Simulation
import Testing

@testable import VNodeBalloon

@Suite struct ExplanationTests {
    private static let lowRAM = FirmwareRange(start: 0, end: 0xa0000, type: "System RAM")
    private static let legacy = FirmwareRange(start: 0xa0000, end: 0x100000, type: "Reserved")
    private static let special = FirmwareRange(start: 0xfeff_8000, end: 0xff00_0000, type: "Reserved")

    private static func ram(to end: UInt64) -> FirmwareRange {
        FirmwareRange(start: 0x100000, end: end, type: "System RAM")
    }

    private static func acpi(to end: UInt64) -> FirmwareRange {
        FirmwareRange(start: 0xfc00_0000, end: end, type: "ACPI Tables")
    }

    /// A guest that was started with 512 of its 768 MiB. Its balloon is at 384 MiB.
    static let pv: MemoryFigures = {
        var figures = MemoryFigures(kind: .pv)
        figures.firmware = [lowRAM, legacy, ram(to: 0x3000_0000)]
        figures.memTotal = 329_812
        figures.currentReservation = 393_216
        figures.maximumReservation = 525_312
        figures.highestFrameEnd = 786_432
        figures.staticMax = 786_432
        figures.videoRAM = 0
        figures.legacyTarget = 524_288
        figures.kernelCurrent = 393_216
        figures.kernelTarget = 393_216
        figures.kernelBalloon = 393_216
        return figures
    }()

    /// The same guest as PVH: Linux's own balloon holds 256 MiB from boot, and ours 128 MiB.
    static let pvh: MemoryFigures = {
        var figures = MemoryFigures(kind: .pvh)
        figures.firmware = [lowRAM, legacy, ram(to: 0x3000_0000), acpi(to: 0xfc00_8040), special]
        figures.memTotal = 463_436
        figures.currentReservation = 393_280
        figures.maximumReservation = 525_312
        figures.highestFrameEnd = 4_177_920
        figures.staticMax = 786_432
        figures.videoRAM = 0
        figures.legacyTarget = 524_288
        figures.kernelCurrent = 523_900
        figures.kernelTarget = 523_900
        figures.kernelBalloon = 262_144
        figures.reservedWithMemory = 452
        figures.balloons = 131_072
        return figures
    }()

    /// A guest with two vnodes of 512 MiB, which have given 64 and 128 MiB.
    static let pvhVNUMA: MemoryFigures = {
        var figures = MemoryFigures(kind: .pvh)
        figures.firmware = [lowRAM, legacy, ram(to: 0x4000_0000), acpi(to: 0xfc00_9040), special]
        figures.memTotal = 984_988
        figures.currentReservation = 852_036
        figures.maximumReservation = 1_049_600
        figures.highestFrameEnd = 4_177_920
        figures.staticMax = 1_048_576
        figures.videoRAM = 0
        figures.legacyTarget = 1_048_576
        figures.kernelCurrent = 1_048_188
        figures.kernelTarget = 1_048_188
        figures.kernelBalloon = 0
        figures.reservedWithMemory = 456
        figures.balloons = 196_608
        return figures
    }()

    @Test func `a PV guest's memory is explained to the KiB`() {
        #expect(Explanation(Self.pv).text == ExplainedGuests.pv)
    }
    @Test func `a PVH guest's memory is explained to the KiB`() {
        #expect(Explanation(Self.pvh).text == ExplainedGuests.pvh)
    }
    @Test func `a PVH guest's memory with virtual NUMA is explained to the KiB`() {
        #expect(Explanation(Self.pvhVNUMA).text == ExplainedGuests.pvhVNUMA)
    }

    /// The map that SeaBIOS leaves. It does not have the adapters' frames, one frame below 640 KiB is RAM only in part,
    /// and the BIOS keeps the last 8 KiB of RAM.
    static let hvmMap = [
        FirmwareRange(start: 0, end: 0x9fc00, type: "System RAM"),
        FirmwareRange(start: 0x9fc00, end: 0xa0000, type: "Reserved"),
        FirmwareRange(start: 0xf0000, end: 0x100000, type: "Reserved"),
        ram(to: 0x3fff_e000),
        FirmwareRange(start: 0x3fff_e000, end: 0x4000_0000, type: "Reserved"),
        FirmwareRange(start: 0xfc00_0000, end: 0xfc00_b000, type: "ACPI Non-volatile Storage"),
    ]

    @Test func `the 8 KiB that an HVM guest's BIOS keeps are explained, and unexplained without a BIOS`() {
        var figures = MemoryFigures(kind: .hvm)
        figures.firmware = Self.hvmMap
        figures.currentReservation = 1_048_556
        figures.reservedWithMemory = 377
        figures.staticMax = 1_048_576
        let accounts = Explanation(figures).accounts
        #expect(accounts.map(\.name) == ["XENMEM_current_reservation", "memory/static-max"])
        #expect(accounts.map(\.unexplained) == [-4, 0])
        #expect(accounts.last?.terms.map(\.kib) == [1_048_183, 385, 8])
        figures.kind = .pvh
        #expect(Explanation(figures).accounts.last?.unexplained == 8, "no BIOS")
    }

    @Test func `a reserved frame counts where Xen says that it has memory`() throws {
        let adapters: Range<UInt64> = 0xa0..<0xc0
        var asked: Set<UInt64> = []
        let size = try MemoryFigures.reservedWithMemory(Self.hvmMap) { frame throws(BalloonError) in
            asked.insert(frame)
            return !adapters.contains(frame)
        }
        // 1 KiB of frame 0x9f, 64 frames from 0xc0 on, two of the BIOS, eleven of ACPI. Xen is asked about the
        // adapters' 32 frames, too.
        #expect(size == 309)
        #expect(asked.count == 110)
    }

    @Test func `a figure that is missing is left out of the explanation`() {
        let explanation = Explanation(MemoryFigures(kind: .pvh))
        #expect(explanation.values.map(\.name) == ["our balloons"])
        #expect(explanation.accounts.isEmpty)
    }

    /// `xl mem-max` computes the maximum from static-max, whatever memory/target is.
    @Test func `a maximum that xl mem-max set by static-max is explained`() {
        var figures = Self.pvh
        figures.maximumReservation = 787_456
        let account = Explanation(figures).accounts.first { $0.name == "XENMEM_maximum_reservation" }
        #expect(account?.terms.map(\.name) == ["memory/static-max", "the toolstack's extra"])
        #expect(account?.unexplained == 0)
    }

    @Test func `video memory is a term of the reservation's account`() {
        var figures = Self.pvh
        figures.videoRAM = 8192
        figures.currentReservation = 393_280 + 8192
        figures.staticMax = 786_432 + 8192
        figures.maximumReservation = 525_312 + 8192
        let accounts = Explanation(figures).accounts
        #expect(accounts.map(\.unexplained) == [-4, 0, 0, 0])
        #expect(accounts[0].terms.contains { $0.name == "video memory" && $0.kib == 8192 })
    }

    @Test func `memory that no term names is shown as unexplained`() {
        var figures = Self.pvh
        figures.balloons = figures.balloons.map { $0 - 2048 }
        #expect(Explanation(figures).accounts[0].unexplained == -2052)
    }

    @Test func `the explanation's JSON has the same values and accounts`() {
        let json = Explanation(Self.pv).json
        #expect(json.hasPrefix(#"{"schema":1,"values":[{"name":"firmware memory map","kib":786048,"#))
        #expect(json.contains(#"{"name":"XENMEM_current_reservation","kib":393216,"terms":["#))
        #expect(json.contains(#"{"name":"Linux's own balloon","kib":-393216}"#))
        #expect(json.hasSuffix(#""unexplained_kib":0}]}"#))
    }

    /// No number in xenstore may end the daemon.
    @Test func `a size from xenstore above 2^42 KiB, or that is no number, is refused`() {
        #expect(storedSize(Array("4398046511104".utf8)) == KiB(1 << 42))
        for text in ["4398046511105", "18446744073709551615", "18446744073709551616", "-1", ""] {
            #expect(storedSize(Array(text.utf8)) == nil, "\(text)")
        }
    }
}
