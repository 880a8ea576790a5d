/// One round of levelling a physical node. Pure. Balloons that grow come first; those that shrink get what is free and nobody's now,
/// and the rest when the others' memory has come.
public struct Balance: Equatable, Sendable {
    /// Less than this in all is not worth moving.
    static let leastBandKiB: UInt64 = 64 << 10

    public private(set) var targets: [UInt16: [Int: UInt64]] = [:]
    /// What the vnodes of the node lack for all their minima together.
    public private(set) var shortKiB: UInt64 = 0

    /// What smaller balloons get of the node.
    public private(set) var grantedKiB: UInt64 = 0

    /// All nodes, one after the other: what one grants the next does not grant again.
    /// - Parameter without: domains that are left out.
    public static func targets(
        _ snapshot: HostSnapshot, pnodes: [Int], without: Set<UInt16> = []
    ) -> [UInt16: [Int: UInt64]] {
        var granted: UInt64 = 0
        return pnodes.reduce(into: [:]) { all, pnode in
            let balance = Balance(snapshot, pnode: pnode, without: without, grantedKiB: granted)
            granted += balance.grantedKiB
            all.merge(balance.targets) { $0.merging($1) { $1 } }
        }
    }

    /// - Parameters:
    ///   - without: domains that are left out.
    ///   - grantedKiB: what was granted of this snapshot on other nodes.
    public init(_ snapshot: HostSnapshot, pnode: Int, without: Set<UInt16> = [], grantedKiB: UInt64 = 0) {
        guard snapshot.nodes.indices.contains(pnode) else { return }
        let node = snapshot.nodes[pnode]
        let seats = snapshot.levelSeats(on: pnode).filter { !without.contains($0.domain) }
        let keep = PhysicalNode.floorKiB + node.reservedKiB + node.takingKiB
        let level = LevelPlan(seats, freeKiB: node.freeKiB + node.givingKiB, keepKiB: keep)
        shortKiB = level.shortKiB
        let band = max(Self.leastBandKiB, node.sizeKiB / 100)
        let changes = level.changes(seats, bandKiB: band, isUrgent: node.freeKiB < PhysicalNode.floorKiB)
        var usable = snapshot.usableKiB(pnode, grantedKiB: grantedKiB)
        for change in Self.order(changes, seats) {
            let seat = seats[change.seat]
            var target = change.targetKiB
            if target < seat.balloonKiB {
                let grant = min(seat.balloonKiB - target, usable) / seat.grainKiB * seat.grainKiB
                if grant == 0 { continue }
                target = roundedUp(seat.balloonKiB - grant, to: seat.grainKiB)
                usable -= grant
                self.grantedKiB += grant
            }
            targets[seat.domain, default: [:]][seat.vnode] = target
        }
    }

    /// Who gives; then who is short, the most first; then the others, by domain and vnode.
    private static func order(_ changes: [Change], _ seats: [Seat]) -> [Change] {
        func rank(_ change: Change) -> (Int, UInt64, UInt16, Int) {
            let seat = seats[change.seat]
            let isGiving = change.targetKiB > seat.balloonKiB
            return (isGiving ? 0 : 1, .max - seat.shortKiB, seat.domain, seat.vnode)
        }
        return changes.sorted { rank($0) < rank($1) }
    }
}
