/// What /proc/zoneinfo says of each Linux node: where its zones lie, and how much memory is left.
public struct ZoneInfo: Equatable, Sendable {
    /// A zone that holds memory.
    public struct Zone: Equatable, Sendable {
        /// Linux's number of its node.
        public var node: Int
        /// Guest frame numbers from the first to the last page; there may be holes in between.
        public var frames: Range<UInt64>
    }

    /// All zones with memory, but for Device: those frames belong to drivers.
    public internal(set) var zones: [Zone] = []
    /// Memory by Linux node.
    public internal(set) var memory: [Int: NodeMemory] = [:]

    /// The one Linux node whose zones begin and end in these frames; nil when there is none, or several.
    ///
    /// By address and never by number: Linux numbers nodes by its first CPU.
    ///
    /// Memory that Linux hot-added lies outside all vnodes. The kernel counts it to one of its nodes all the same: a zone
    /// of that node then begins or ends there, and other vnodes' memory may lie in between. Such a border says nothing.
    /// - Parameters:
    ///   - ranges: of one vnode.
    ///   - memory: the ranges of all vnodes; nil when these are all.
    public func node(within ranges: [Range<UInt64>], of memory: [Range<UInt64>]? = nil) -> Int? {
        let memory = memory ?? ranges
        let nodes = Set(zones.map(\.node)).filter { node in
            let zones = zones.filter { $0.node == node }
            let borders = zones.flatMap { Self.borders(of: $0, in: memory) }
            return !borders.isEmpty && borders.allSatisfy { Self.lies($0, in: ranges) }
                && zones.allSatisfy { !isAlone($0, between: ranges, of: memory) }
        }
        return nodes.count == 1 ? nodes.first : nil
    }

    /// Whether the zone goes on into hot-added memory, over memory of another vnode in which no other node has a border.
    /// Then that memory may be this zone's as well, as it is where Linux has one node for all vnodes.
    private func isAlone(_ zone: Zone, between ranges: [Range<UInt64>], of memory: [Range<UInt64>]) -> Bool {
        guard Self.borders(of: zone, in: memory).count < 2 else { return false }
        return memory.contains { other in
            guard other.overlaps(zone.frames), !ranges.contains(where: { $0.overlaps(other) }) else { return false }
            return !zones.contains { their in
                their.node != zone.node && Self.borders(of: their, in: memory).contains { other.contains($0) }
            }
        }
    }

    private static func lies(_ frame: UInt64, in ranges: [Range<UInt64>]) -> Bool {
        ranges.contains { $0.contains(frame) }
    }

    /// How much memory Linux has behind all vnodes, at most: what it hot-added. A zone may have holes.
    /// - Parameter memory: the ranges of all vnodes.
    public func added(behind memory: [Range<UInt64>]) -> Frames {
        guard let end = memory.map(\.upperBound).max() else { return .zero }
        return zones.reduce(.zero) { sum, zone in
            let (first, last) = (max(zone.frames.lowerBound, end), Self.end(of: zone, in: memory))
            return last > first ? sum + Frames(last - first) : sum
        }
    }

    /// The zone's first and last frame, as far as they are memory of a vnode.
    private static func borders(of zone: Zone, in memory: [Range<UInt64>]) -> [UInt64] {
        [zone.frames.lowerBound, end(of: zone, in: memory) - 1].filter { lies($0, in: memory) }
    }

    /// Where the zone's memory ends. The kernel lets the zone DMA32 go on to 4 GiB, through the hole there, when its node
    /// has memory above it.
    private static func end(of zone: Zone, in memory: [Range<UInt64>]) -> UInt64 {
        guard zone.frames.upperBound == dma32End else { return zone.frames.upperBound }
        let ends = memory.map { $0.clamped(to: zone.frames) }.filter { !$0.isEmpty }.map(\.upperBound)
        return ends.max() ?? zone.frames.upperBound
    }

    private static let dma32End: UInt64 = 1 << 20

    /// Parses the text of /proc/zoneinfo. Lines that it does not know are skipped.
    public init(parsing text: Span<UInt8>) {
        var parser = ZoneInfoParser()
        var index = 0
        while index < text.count {
            while index < text.count, text[index] == UInt8(ascii: " ") { index += 1 }
            let start = index
            while index < text.count, text[index] != UInt8(ascii: "\n") { index += 1 }
            // It is read before each step, and most lines are about something else.
            if ZoneInfoParser.mayKnow(text, start..<index) { parser.take(text.extracting(start..<index)) }
            index += 1
        }
        parser.endZone()
        zones = parser.zones
        memory = parser.nodes.mapValues(\.summary)
    }

    /// Reads /proc/zoneinfo.
    /// - Throws: `.system`.
    public static func read() throws(BalloonError) -> ZoneInfo { try read(ProcFile(path)) }

    static let path = "/proc/zoneinfo"

    /// Reads it where it is open already.
    /// - Throws: `.system`.
    static func read(_ file: ProcFile) throws(BalloonError) -> ZoneInfo {
        let text = try file.read()
        return ZoneInfo(parsing: text.span)
    }
}

/// Collects zone by zone.
private struct ZoneInfoParser {
    struct Node {
        var free: Frames = .zero
        var low: Frames = .zero
        var high: Frames = .zero
        var managed: Frames = .zero
        /// Pages of files, on the active list and the inactive one.
        var file: Frames = .zero
        /// Slabs, and what else a shrinker can free.
        var reclaimable: Frames = .zero

        /// As the kernel reckons MemAvailable for the whole machine: of the page cache and of what shrinkers can free it
        /// leaves half in place, or the low watermarks where these are less.
        var summary: NodeMemory {
            let spare = free.less(high)
            let given = [file, reclaimable].reduce(Frames.zero) { $0 + $1 - min($1 / 2, low) }
            // Free memory below the watermarks is filled up first.
            let short = high.less(free)
            let available = spare + given - min(given, short)
            return NodeMemory(
                managed: managed.kib, free: spare.kib, available: available.kib)
        }
    }

    struct Zone {
        var node = 0
        var isDevice = false
        var free: Frames = .zero
        var low: Frames = .zero
        var high: Frames = .zero
        var spanned: UInt64 = 0
        var managed: Frames = .zero
        var start: UInt64?
    }

    var zones: [ZoneInfo.Zone] = []
    var nodes: [Int: Node] = [:]
    private var zone: Zone?

    /// False for most lines that ``take(_:)`` passes over, without a look at more than a few letters.
    static func mayKnow(_ text: Span<UInt8>, _ line: Range<Int>) -> Bool {
        guard line.count > 3 else { return false }
        let first = text[line.lowerBound]
        switch first {
        // nr_inactive_file, nr_active_file, nr_slab_reclaimable, nr_kernel_misc_reclaimable
        case UInt8(ascii: "n"):
            switch text[line.lowerBound + 3] {
            case UInt8(ascii: "i"), UInt8(ascii: "a"), UInt8(ascii: "s"), UInt8(ascii: "k"): return true
            default: return false
            }
        // Node, pages, low, high, spanned, start_pfn, managed
        case UInt8(ascii: "N"), UInt8(ascii: "p"), UInt8(ascii: "l"), UInt8(ascii: "h"), UInt8(ascii: "s"),
            UInt8(ascii: "m"):
            return true
        default: return false
        }
    }

    mutating func take(_ line: Span<UInt8>) {
        var words = Words()
        guard let word = words.next(in: line) else { return }
        let key = line.extracting(word)
        if key.isEqual("Node") { return beginZone(line, &words) }
        guard var zone else { return }
        if key.isEqual("pages") {
            // "pages free N"
            if words.skip("free", in: line) { zone.free = words.frames(in: line) }
        } else if key.isEqual("low") {
            zone.low = words.frames(in: line)
        } else if key.isEqual("high") {
            zone.high = words.frames(in: line)
        } else if key.isEqual("spanned") {
            zone.spanned = words.number(in: line) ?? 0
        } else if key.isEqual("managed") {
            zone.managed = words.frames(in: line)
        } else if key.isEqual("start_pfn:") {
            zone.start = words.number(in: line)
        } else if key.isEqual("nr_inactive_file") || key.isEqual("nr_active_file") {
            nodes[zone.node, default: Node()].file += words.frames(in: line)
        } else if key.isEqual("nr_slab_reclaimable") || key.isEqual("nr_kernel_misc_reclaimable") {
            nodes[zone.node, default: Node()].reclaimable += words.frames(in: line)
        } else {
            return
        }
        self.zone = zone
    }

    /// "Node 0, zone   Normal"
    private mutating func beginZone(_ line: Span<UInt8>, _ words: inout Words) {
        endZone()
        guard let node = words.number(in: line) else { return }
        _ = words.next(in: line)
        zone = Zone(node: Int(node), isDevice: words.skip("Device", in: line))
    }

    mutating func endZone() {
        defer { zone = nil }
        guard let zone, !zone.isDevice, zone.managed > .zero else { return }
        nodes[zone.node, default: Node()].free += zone.free
        nodes[zone.node, default: Node()].low += zone.low
        nodes[zone.node, default: Node()].high += zone.high
        nodes[zone.node, default: Node()].managed += zone.managed
        guard let start = zone.start, zone.spanned > 0 else { return }
        zones.append(ZoneInfo.Zone(node: zone.node, frames: start..<start + zone.spanned))
    }
}

/// Walks over the words of a line, without a copy of it.
private struct Words {
    private var position = 0

    /// Where the next word is.
    mutating func next(in line: Span<UInt8>) -> Range<Int>? {
        while position < line.count, line[position] == UInt8(ascii: " ") { position += 1 }
        let start = position
        while position < line.count, line[position] != UInt8(ascii: " ") { position += 1 }
        return start == position ? nil : start..<position
    }

    /// Whether the next word is this one.
    mutating func skip(_ word: StaticString, in line: Span<UInt8>) -> Bool {
        guard let next = next(in: line) else { return false }
        return line.extracting(next).isEqual(word)
    }

    /// The next word as a count of frames.
    mutating func frames(in line: Span<UInt8>) -> Frames { Frames(number(in: line) ?? 0) }

    /// The digits at the start of the next word; nil for what no machine has so many of: sums of such numbers fit.
    mutating func number(in line: Span<UInt8>) -> UInt64? {
        guard let word = next(in: line) else { return nil }
        var value: UInt64?
        for index in word {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(line[index]) else { break }
            let (product, overflow) = (value ?? 0).multipliedReportingOverflow(by: 10)
            if overflow || product >= 1 << 50 { return nil }
            value = product &+ UInt64(line[index] - UInt8(ascii: "0"))
        }
        return value
    }
}

extension Span<UInt8> {
    fileprivate func isEqual(_ word: StaticString) -> Bool {
        guard count == word.utf8CodeUnitCount else { return false }
        // Unsafe: the pointer is the literal's own memory, which lives as long as the program.
        let other = unsafe UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        for index in indices where unsafe self[index] != other[index] { return false }
        return true
    }
}
