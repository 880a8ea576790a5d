/// What the figures mean, and how they add up: each difference has a name, and one without a name is reported as such.
public struct Explanation: Equatable, Sendable {
    /// One figure.
    public struct Value: Equatable, Sendable {
        public let name: String
        public let size: KiB
        /// What it includes.
        public let meaning: String
    }

    /// An account: terms that should make up a figure.
    public struct Account: Equatable, Sendable {
        public struct Term: Equatable, Sendable {
            public let name: String
            /// In KiB; negative when it is taken away.
            public let kib: Int64
        }

        public let terms: [Term]
        /// The figure that they should make up.
        public let name: String
        public let size: KiB

        /// What the terms leave open, in KiB.
        public var unexplained: Int64 { Int64(size.count) - terms.reduce(0) { $0 + $1.kib } }
    }

    public let values: [Value]
    public let accounts: [Account]

    /// libxl lets each domain have so much above its target (LIBXL_MAXMEM_CONSTANT).
    static let toolstackExtra: KiB = .mib(1)

    public init(_ figures: MemoryFigures) {
        values = Self.values(figures)
        accounts = [
            Self.reservation(figures), Self.staticMax(figures), Self.maximum(figures), Self.memTotal(figures),
        ].compactMap { $0 }
    }

    // MARK: Figures

    private static func values(_ figures: MemoryFigures) -> [Value] {
        let all: [(String, KiB?, String)] = [
            (
                "firmware memory map", figures.firmware.isEmpty ? nil : figures.firmwareRAM,
                "all RAM the guest could have, balloons included"
            ),
            ("MemTotal", figures.memTotal, memTotalMeaning(figures)),
            (
                "XENMEM_current_reservation", figures.currentReservation,
                "what the domain has now, special pages included"
            ),
            ("XENMEM_maximum_reservation", figures.maximumReservation, "what Xen lets it have"),
            ("XENMEM_maximum_gpfn", figures.highestFrameEnd, "the end of its highest frame: an address, not an amount"),
            ("memory/static-max", figures.staticMax, "what it was built for, video memory included"),
            ("memory/videoram", figures.videoRAM, "memory of the emulated graphics adapter"),
            ("memory/target", figures.legacyTarget, "what Linux's own balloon is to leave, video memory left out"),
            ("current_kb", figures.kernelCurrent, "what Linux thinks it has; our balloons are not known to it"),
            ("target_kb", figures.kernelTarget, "what Linux's own balloon was told to leave"),
            ("low_kb + high_kb", figures.kernelBalloon, "Linux's own balloon, the hole from boot included"),
            ("our balloons", figures.balloons, "given extents of all vnodes"),
        ]
        return all.compactMap { name, size, meaning in size.map { Value(name: name, size: $0, meaning: meaning) } }
    }

    private static func memTotalMeaning(_ figures: MemoryFigures) -> String {
        if figures.isLeftOutOfMemTotal { return "what Linux manages, without our balloons and its own code" }
        return figures.balloons != .zero
            ? "what Linux manages; our balloons still count in it" : "what Linux manages, without its own code"
    }

    // MARK: Accounts

    /// A term, left out where it is nothing.
    private static func term(_ name: String, _ size: KiB?, minus: Bool = false) -> Account.Term? {
        guard let size, size > .zero else { return nil }
        return Account.Term(name: name, kib: minus ? -Int64(size.count) : Int64(size.count))
    }

    private static func reservation(_ figures: MemoryFigures) -> Account? {
        guard let size = figures.currentReservation, !figures.firmware.isEmpty, figures.balloons != nil else {
            return nil
        }
        let reserved =
            figures.kind == .pv
            ? term("below 1 MiB, kept free by Linux", figures.legacyRange)
            : term("firmware and special pages", figures.reservedWithMemory)
        let terms = [
            term("firmware memory map", figures.firmwareRAM),
            term("our balloons", figures.balloons, minus: true),
            term("Linux's own balloon", figures.kernelBalloon, minus: true),
            reserved,
            term("video memory", figures.videoRAM),
        ]
        return Account(terms: terms.compactMap { $0 }, name: "XENMEM_current_reservation", size: size)
    }

    private static func staticMax(_ figures: MemoryFigures) -> Account? {
        guard let size = figures.staticMax, !figures.firmware.isEmpty else { return nil }
        let terms = [
            term("firmware memory map", figures.firmwareRAM),
            term("below 1 MiB, reserved", figures.legacyRange),
            term("at the end of RAM, the BIOS's", figures.biosRange),
            term("video memory", figures.videoRAM),
        ]
        return Account(terms: terms.compactMap { $0 }, name: "memory/static-max", size: size)
    }

    /// xl mem-set leaves room for memory/target, xl mem-max for static-max.
    private static func maximum(_ figures: MemoryFigures) -> Account? {
        guard let size = figures.maximumReservation else { return nil }
        let extra = term("the toolstack's extra", toolstackExtra)
        let bases = [
            [term("memory/target", figures.legacyTarget), term("video memory", figures.videoRAM), extra],
            [term("memory/static-max", figures.staticMax), extra],
        ]
        let accounts = bases.filter { $0[0] != nil }.map {
            Account(terms: $0.compactMap { $0 }, name: "XENMEM_maximum_reservation", size: size)
        }
        return accounts.min { abs($0.unexplained) < abs($1.unexplained) }
    }

    /// What Linux keeps at boot is known from the difference alone.
    private static func memTotal(_ figures: MemoryFigures) -> Account? {
        let given = figures.isLeftOutOfMemTotal ? figures.balloons : .zero
        guard let size = figures.memTotal, let current = figures.kernelCurrent, let given, size + given <= current
        else {
            return nil
        }
        let terms = [
            term("current_kb", current), term("our balloons", given, minus: true),
            term("Linux's code and page structures", current - size - given, minus: true),
        ]
        return Account(terms: terms.compactMap { $0 }, name: "MemTotal", size: size)
    }
}
