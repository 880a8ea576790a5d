internal import Glibc

/// A range of the firmware's memory map (/sys/firmware/memmap), as the firmware passed it to the kernel.
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
    var size: KiB { KiB(wholeOfBytes: end - start) }
    /// The guest frames of the range, including frames of which only a part lies in it.
    var frames: Range<UInt64> { start / 4096..<(end + 4095) / 4096 }
}

/// The firmware's memory map as a whole.
enum FirmwareMap {
    /// PCs have their adapters and their BIOS below this address.
    static let legacyEnd: UInt64 = 1 << 20

    /// Reads all ranges. Returns none where one of them cannot be read: the sum of the others would be wrong.
    static func read(directory: String = "/sys/firmware/memmap") -> [FirmwareRange] {
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

    /// The amount of RAM at these addresses.
    static func ram(_ ranges: [FirmwareRange], within addresses: Range<UInt64>) -> KiB {
        let bytes = ranges.reduce(UInt64(0)) { sum, range in
            guard range.isRAM else { return sum }
            return sum + UInt64((range.start..<range.end).clamped(to: addresses).count)
        }
        return KiB(wholeOfBytes: bytes)
    }

    /// The guest frames that the firmware reserves, and all frames below 1 MiB.
    static func reservedFrames(_ ranges: [FirmwareRange]) -> [Range<UInt64>] {
        let first = 0..<legacyEnd / 4096
        return [first] + ranges.filter { !$0.isRAM }.map { $0.frames.clamped(to: first.upperBound..<UInt64.max) }
    }
}
