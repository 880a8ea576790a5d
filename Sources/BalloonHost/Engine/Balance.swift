/// One round of levelling a physical node. Pure. Balloons that grow come first. Balloons that shrink get the memory
/// that is usable now, and the rest once the other guests' memory has come free.
public struct Balance: Equatable, Sendable {
    /// If less than this would move in all, nothing moves.
    static let leastBand: KiB = .mib(64)

    public private(set) var targets: [UInt16: [Int: KiB]] = [:]
    /// How much memory the node's vnodes lack for all their minima together.
    public private(set) var short: KiB = .zero

    /// How much memory of the node this round grants to smaller balloons.
    public private(set) var granted: KiB = .zero

    /// The targets for all nodes, one after the other. Memory that one node's round grants is not granted again by the
    /// next.
    /// - Parameter without: the domains to leave out.
    public static func targets(
        _ snapshot: HostSnapshot, pnodes: [Int], without: Set<UInt16> = []
    ) -> [UInt16: [Int: KiB]] {
        var granted: KiB = .zero
        return pnodes.reduce(into: [:]) { all, pnode in
            let balance = Balance(snapshot, pnode: pnode, without: without, granted: granted)
            granted += balance.granted
            all.merge(balance.targets) { $0.merging($1) { $1 } }
        }
    }

    /// - Parameters:
    ///   - without: the domains to leave out.
    ///   - granted: how much was already granted on other nodes with this snapshot.
    public init(_ snapshot: HostSnapshot, pnode: Int, without: Set<UInt16> = [], granted: KiB = .zero) {
        guard snapshot.nodes.indices.contains(pnode) else { return }
        let node = snapshot.nodes[pnode]
        let keep = PhysicalNode.floor + node.reserved + node.taking
        var seats = snapshot.levelSeats(on: pnode).filter { !without.contains($0.domain) }
        var level = LevelPlan(seats, free: node.free + node.giving, keep: keep)
        // A held vnode from which the level wants more stays as it is. The others' level must not count on it.
        while case let able = seats.indices.filter({ !seats[$0].isHeld || level.targets[$0] <= seats[$0].balloon }),
            able.count < seats.count
        {
            seats = able.map { seats[$0] }
            level = LevelPlan(seats, free: node.free + node.giving, keep: keep)
        }
        short = level.short
        let band = max(Self.leastBand, node.size / 100)
        let changes = level.changes(seats, band: band, isUrgent: node.free < PhysicalNode.floor)
        var usable = snapshot.usable(pnode, granted: granted)
        for change in Self.order(changes, seats) {
            let seat = seats[change.seat]
            var target = change.target
            if target < seat.balloon {
                let grant = min(seat.balloon - target, usable).roundedDown(to: seat.grain)
                if grant == .zero { continue }
                target = (seat.balloon - grant).roundedUp(to: seat.grain)
                usable -= grant
                self.granted += grant
            }
            targets[seat.domain, default: [:]][seat.vnode] = target
        }
    }

    /// Seats that give come first, then short seats, those that lack most first, then the rest by domain and vnode.
    private static func order(_ changes: [Change], _ seats: [Seat]) -> [Change] {
        func rank(_ change: Change) -> (Int, KiB, UInt16, Int) {
            let seat = seats[change.seat]
            let isGiving = change.target > seat.balloon
            return (isGiving ? 0 : 1, .max - seat.short, seat.domain, seat.vnode)
        }
        return changes.sorted { rank($0) < rank($1) }
    }
}
