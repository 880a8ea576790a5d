/// What the domain should have while no balloon has anything, and so what of its memory no balloon accounts for.
///
/// What the firmware's map says is read once. Xen is asked about the frames that the firmware reserves, in pieces.
public struct MemoryAccount {
    /// Less than this may lie anywhere: a PVH guest has one page less than its map says.
    public static let leastKiB: UInt64 = 2048

    private let ranges: [FirmwareRange]
    private let kind: GuestKind
    private let videoKiB: UInt64
    /// Frames that Xen has still to be asked about.
    private var frames: [Range<UInt64>]
    private var reservedKiB: UInt64 = 0

    /// - Parameter videoKiB: xenstore's memory/videoram.
    public init(_ kind: GuestKind, _ ranges: [FirmwareRange], videoKiB: UInt64) {
        self.kind = kind
        self.ranges = ranges
        self.videoKiB = videoKiB
        frames = kind == .pv ? [] : FirmwareMap.reservedFrames(ranges)
    }

    /// Asks Xen about some more frames.
    /// - Returns: whether all are known.
    public mutating func ask(
        atMost count: Int, isRAM: (UInt64) throws(BalloonError) -> Bool
    ) throws(BalloonError) -> Bool {
        var left = count
        while left > 0, let first = frames.first {
            guard let frame = first.first else {
                frames.removeFirst()
                continue
            }
            let rest = 4 - FirmwareMap.ramKiB(ranges, within: frame * 4096..<(frame + 1) * 4096)
            if rest > 0, try isRAM(frame) { reservedKiB += rest }
            frames[0] = frame + 1..<first.upperBound
            left -= 1
        }
        return frames.isEmpty
    }

    /// What the domain has while all balloons are empty, in KiB; nil: not known.
    public var wholeKiB: UInt64? {
        let ram = ranges.filter(\.isRAM).reduce(0) { $0 + $1.kib }
        guard ram > 0, frames.isEmpty else { return nil }
        let legacy = FirmwareMap.legacyEnd / 1024 - FirmwareMap.ramKiB(ranges, within: 0..<FirmwareMap.legacyEnd)
        return ram + videoKiB + (kind == .pv ? legacy : reservedKiB)
    }

    /// Memory that Xen does not have and that no balloon accounts for, in KiB; nil: not known.
    /// - Parameters:
    ///   - reservationKiB: what the domain has now.
    ///   - balloonsKiB: what all balloons have, Linux's own included.
    ///   - lostKiB: what may be holes, and cannot be taken back.
    public func unaccountedKiB(reservationKiB: UInt64, balloonsKiB: UInt64, lostKiB: UInt64) -> UInt64? {
        guard let whole = wholeKiB else { return nil }
        let known = reservationKiB + balloonsKiB + lostKiB
        let missing = whole > known ? whole - known : 0
        return missing < Self.leastKiB ? 0 : missing
    }
}
