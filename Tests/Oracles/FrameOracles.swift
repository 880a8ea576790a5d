import CBalloonShim
import VNodeBalloon

/// The pagemap: entries are accepted as an extent if and only if they are one.
///
/// The first byte says how to read the rest: as plain entries, or as an extent with a few changed entries, which random
/// bytes would never hit.
enum PagemapOracle {
    static func examine(_ bytes: [UInt8]) throws {
        let entries = entries(bytes)
        // The size of an extent is a power of two.
        var size = 1
        while size * 2 <= min(entries.count, 512) { size *= 2 }
        guard !entries.isEmpty else { return }
        for size in Set([1, size]) {
            let part = Array(entries.prefix(size))
            var found: Result<UInt64, FrameFault>
            do throws(FrameFault) { found = .success(try PagemapEntry.extent(part.span)) } catch {
                found = .failure(error)
            }
            let wanted = Reference.extent(part)
            try demand(found == wanted, "\(found) for \(wanted), \(size) entries")
        }
    }

    private static func entries(_ bytes: [UInt8]) -> [UInt64] {
        var reader = ByteReader(bytes)
        let kind = reader.number(UInt8.self)
        var entries: [UInt64] = []
        if kind & 1 == 0 {
            while !reader.isAtEnd && entries.count < 512 { entries.append(reader.number(UInt64.self)) }
            return entries
        }
        let first = reader.number(UInt64.self)
        let size = 1 << (Int(kind >> 1) % 10)
        // The first frame is aligned, unless the lowest bit of its number is set.
        let base = first & 1 == 0 ? first / UInt64(size) * UInt64(size) : first
        entries = (0..<UInt64(size)).map { ((base &+ $0) & PagemapEntry.frameMask) | PagemapEntry.present }
        while !reader.isAtEnd {
            let index = Int(reader.number(UInt16.self)) % size
            entries[index] ^= reader.number(UInt64.self)
        }
        return entries
    }
}

/// The virtual NUMA layout: accepted only if every frame belongs to one vnode.
enum VNUMAOracle {
    private struct Claim {
        var vnode: UInt32
        var start: UInt64
        var end: UInt64
    }

    static func examine(_ bytes: [UInt8]) throws {
        var reader = ByteReader(bytes)
        let count = Int(reader.number(UInt8.self) % 34)
        var untrusted: [(vnode: UInt32, start: UInt64, end: UInt64)] = []
        var claims: [Claim] = []
        while !reader.isAtEnd && untrusted.count < 170 {
            let vnode = UInt32(reader.number(UInt8.self)) << (reader.number(UInt8.self) == 255 ? 24 : 0)
            let (start, end) = (reader.number(UInt64.self), reader.number(UInt64.self))
            let range = cb_vmemrange_of_bytes(start, end, vnode)
            // Rounded inwards to whole frames, in 128 bits, which cannot overflow.
            let claim = Claim(
                vnode: vnode, start: UInt64((UInt128(start) + 4095) / 4096), end: UInt64(UInt128(end) / 4096))
            try demand(
                range.start_gfn == claim.start && range.end_gfn == claim.end && range.vnode == vnode,
                "\(start)..<\(end) became \(range)")
            untrusted.append((vnode: range.vnode, start: range.start_gfn, end: range.end_gfn))
            claims.append(claim)
        }
        do {
            let topology = try VNUMATopology(vnodeCount: count, untrusted: untrusted)
            try demand(isSensible(claims, count), "a layout that makes no sense was taken")
            try compare(topology, claims.filter { $0.start < $0.end })
        } catch let error as BalloonError {
            try demand(!isSensible(claims, count), "a layout that makes sense was refused: \(error)")
        }
    }

    /// Compares each claim with each other one.
    private static func isSensible(_ claims: [Claim], _ count: Int) -> Bool {
        guard count > 0, claims.allSatisfy({ $0.vnode < count }) else { return false }
        let real = claims.filter { $0.start < $0.end }
        return real.indices.allSatisfy { one in
            real[one].end <= 1 << 40
                && real.indices.allSatisfy { other in
                    one == other || real[one].end <= real[other].start || real[other].end <= real[one].start
                }
        }
    }

    private static func compare(_ topology: VNUMATopology, _ claims: [Claim]) throws {
        var edges: Set<UInt64> = [0]
        for claim in claims.prefix(8) {
            edges.formUnion([
                claim.start, claim.start &- 1, claim.end - 1, claim.end, claim.end &- 511, claim.end &- 512,
            ])
        }
        for vnode in 0..<topology.vnodeCount {
            let own = claims.filter { $0.vnode == vnode }
            let size = own.reduce(UInt128(0)) { $0 + UInt128($1.end - $1.start) * 4 }
            try demand(UInt128(topology.size(of: vnode).count) == size, "the size of vnode \(vnode)")
            for frame in edges {
                for length: UInt64 in [1, 512] {
                    let isInside = own.contains {
                        $0.start <= frame && UInt128(frame) + UInt128(length) <= UInt128($0.end)
                    }
                    try demand(
                        topology.contains(frame, frames: length, vnode: vnode) == isInside,
                        "whether \(length) frames from \(frame) are in vnode \(vnode)")
                }
            }
        }
    }
}
