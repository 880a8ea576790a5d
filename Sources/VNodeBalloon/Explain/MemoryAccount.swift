/// Reckons how much memory the domain should have while all balloons are empty, and from that how much no balloon
/// accounts for.
///
/// The firmware's map is read once. Xen is asked about the frames that the firmware reserves, in pieces.
public struct MemoryAccount {
    /// Less than this does not count: a PVH guest has one page less than its map says.
    public static let least: KiB = .mib(2)

    private let ranges: [FirmwareRange]
    private let kind: GuestKind
    private let videoRAM: KiB
    /// The frames about which Xen must still be asked.
    private var frames: [Range<UInt64>]
    private var reserved: KiB = .zero

    /// - Parameter videoRAM: xenstore's memory/videoram.
    public init(_ kind: GuestKind, _ ranges: [FirmwareRange], videoRAM: KiB) {
        self.kind = kind
        self.ranges = ranges
        self.videoRAM = videoRAM
        frames = kind == .pv ? [] : FirmwareMap.reservedFrames(ranges)
    }

    /// Asks Xen about a few more frames.
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
            let rest = Frames.one.kib - FirmwareMap.ram(ranges, within: frame * 4096..<(frame + 1) * 4096)
            if rest > .zero, try isRAM(frame) { reserved += rest }
            frames[0] = frame + 1..<first.upperBound
            left -= 1
        }
        return frames.isEmpty
    }

    /// How much memory the domain has while all balloons are empty; nil: not known.
    public var whole: KiB? {
        let ram = ranges.filter(\.isRAM).reduce(.zero) { $0 + $1.size }
        guard ram > .zero, frames.isEmpty else { return nil }
        let legacy =
            KiB(wholeOfBytes: FirmwareMap.legacyEnd) - FirmwareMap.ram(ranges, within: 0..<FirmwareMap.legacyEnd)
        return ram + videoRAM + (kind == .pv ? legacy : reserved)
    }

    /// Memory that Xen does not have and that no balloon accounts for; nil: not known.
    /// - Parameters:
    ///   - reservation: how much the domain has now.
    ///   - balloons: the size of all balloons, Linux's own included.
    ///   - lost: the memory that may be holes and cannot be taken back.
    public func unaccounted(reservation: KiB, balloons: KiB, lost: KiB) -> KiB? {
        guard let whole = whole else { return nil }
        let known = reservation + balloons + lost
        let missing = whole.less(known)
        return missing < Self.least ? .zero : missing
    }
}
