public import BalloonCore

/// The values that a live picture shows of one vnode; nil: not known, or none.
public struct TopRow: Equatable, Sendable {
    public var number: Int
    public var name: String
    /// Where it lies, as dom0 knows: pnode 1.
    public var place: String?
    public var size: KiB
    public var balloon: KiB?
    /// The size that it shall have.
    public var goal: KiB?
    public var isForced: Bool
    /// The available memory of its node, or, in dom0, all that it has.
    public var available: KiB?
    /// How much of that the guard keeps, or the vnode's limits.
    public var kept: KiB?
    public var state: String
    public var reason: String?
    /// What keeps it from moving or from being known, in a sentence.
    public var detail: String?

    public init(
        number: Int, name: String, place: String? = nil, size: KiB, balloon: KiB?, goal: KiB?, isForced: Bool = false,
        available: KiB? = nil, kept: KiB? = nil, state: String, reason: String? = nil, detail: String? = nil
    ) {
        self.number = number
        self.name = name
        self.place = place
        self.size = size
        self.balloon = balloon
        self.goal = goal
        self.isForced = isForced
        self.available = available
        self.kept = kept
        self.state = state
        self.reason = reason
        self.detail = detail
    }
}

/// The values that `host top` shows of one physical node.
public struct TopNode: Equatable, Sendable {
    public var number: Int
    /// The span of the node, including holes.
    public var size: KiB
    public var free: KiB
    /// How much will be free once all moves that were asked for are done.
    public var goal: KiB
    /// How much of the free memory no vnode may take: it is reserved, or is never given out.
    public var kept: KiB
    /// How much its vnodes could still give.
    public var freeable: KiB
    public var balloons: KiB
    public var vnodes: Int

    public init(
        number: Int, size: KiB, free: KiB, goal: KiB, kept: KiB, freeable: KiB, balloons: KiB, vnodes: Int
    ) {
        self.number = number
        self.size = size
        self.free = free
        self.goal = goal
        self.kept = kept
        self.freeable = freeable
        self.balloons = balloons
        self.vnodes = vnodes
    }
}

/// The order of the rows. Rows that are equal are sorted by number.
public enum TopOrder: String, CaseIterable, Sendable {
    case number
    /// The largest first.
    case balloon
    /// The least first.
    case available

    public var next: TopOrder {
        switch self {
        case .number: .balloon
        case .balloon: .available
        case .available: .number
        }
    }

    /// The physical nodes: those with the largest balloons, or the least free memory, first.
    func sorted(_ nodes: [TopNode]) -> [TopNode] {
        nodes.sorted { left, right in
            let (a, b): (KiB, KiB) =
                switch self {
                case .number: (.zero, .zero)
                case .balloon: (right.balloons, left.balloons)
                case .available: (left.free, right.free)
                }
            return a == b ? left.number < right.number : a < b
        }
    }

    /// Unknown values come first, because a reader has to look at them.
    public func sorted(_ rows: [TopRow]) -> [TopRow] {
        rows.sorted { left, right in
            let (a, b): (KiB, KiB) =
                switch self {
                case .number: (.zero, .zero)
                case .balloon: (.max - (left.balloon ?? .max), .max - (right.balloon ?? .max))
                case .available: (left.available ?? .zero, right.available ?? .zero)
                }
            return a == b ? left.number < right.number : a < b
        }
    }
}
