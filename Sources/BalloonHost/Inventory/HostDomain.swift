/// A domain as the toolstack sees it: Xen's figures, its rows in xenstore, and the rows that we keep about it.
///
/// All values that the guest wrote were parsed: they are numbers, known words, or nil.
public struct HostDomain: Equatable, Sendable {
    /// control/feature-balloon-vnode.
    public enum Feature: String, Sendable {
        /// The row does not exist: no toolstack prepared the domain.
        case absent
        /// The domain is prepared, and the guest has written nothing yet.
        case silent
        case on
        case off
        /// The guest wrote an unknown word.
        case odd
    }

    public var facts: DomainFacts
    public var name: String
    /// Whether it has its rows in xenstore, so it is not being built any more.
    public var isIntroduced = true
    public var hasVNUMA = false
    public var feature: Feature = .absent
    /// Whether it has Linux's own balloon (control/feature-balloon).
    public var hasOldBalloon = false
    public var staticMax: KiB?
    public var video: KiB = .zero
    /// memory/target.
    public var legacyTarget: KiB?
    /// The text of memory/target before we removed it.
    public var keptTarget: String?
    /// Whether an administrator wants memory/target to stay.
    public var isYielded = false
    /// What another program last wrote to memory/target before we put the old value back.
    public var foreignTarget: KiB?
    /// The sum of Xen's count and the balloons, as noted when the guest first published its sizes.
    public var constant: KiB?
    /// The least and the most memory of the whole domain, where it has no vnodes of its own.
    public var minimum: KiB = .zero
    public var maximum: KiB = .zero
    /// Limits that an administrator set for this very domain, and limits that are saved for its UUID.
    public var ownLimits = HostLimits()
    public var savedLimits = SavedLimits()
    public var vnodes: [HostVNode] = []
    /// Its pages changed while its rows were read: the two are not of the same moment.
    var isChanging = false

    public init(facts: DomainFacts, name: String) {
        self.facts = facts
        self.name = name
    }

    public var id: UInt16 { facts.id }
    public var memory: KiB { facts.pages.kib }
    /// How much Xen counts beyond memory/target: firmware and special pages, and memory that the guest has not moved
    /// yet.
    var besideKiB: Int64? { legacyTarget.map { Int64(memory.count) - Int64($0.count) } }
    public var isToolstack: Bool { id == 0 }
    /// Whether the guest follows the interface.
    public var isManaged: Bool { feature == .on }
    /// The sum of the balloon sizes that the guest reports; nil where one is not known.
    public var claimed: KiB? {
        var sum: KiB = .zero
        for vnode in vnodes {
            guard let kib = vnode.balloon else { return nil }
            sum += kib
        }
        return sum
    }
    /// The size of all its balloons together by Xen's count.
    public var counted: KiB? { constant.map { $0.less(memory) } }

    /// A smaller difference between the two counts does not matter: Linux has a page or two moved elsewhere.
    public static let tolerance = KiB(64)

    /// Set while nothing moves and the guest's sizes do not match Xen's count.
    public var contradiction: (claims: KiB, xenSays: KiB)? {
        guard isManaged, vnodes.allSatisfy({ $0.state == .idle || $0.state == .held || $0.state == .stopped }),
            let claimed = claimed, let counted = counted
        else { return nil }
        return claimed.difference(from: counted) > Self.tolerance ? (claimed, counted) : nil
    }

    /// Whether plans leave it out because of that. A guest publishes after its first step: until it has acknowledged its
    /// targets it may be moving. A plan that leaves it out does not count on what it is about to give, and asks others
    /// for it as well.
    var isDisbelieved: Bool {
        contradiction != nil && !isChanging && vnodes.allSatisfy { $0.target == nil || $0.acknowledged == $0.target }
    }
}

/// One vnode of a domain; vnode 0 stands for all memory of a domain without virtual NUMA.
public struct HostVNode: Equatable, Sendable {
    public enum State: String, Sendable, CaseIterable { case idle, inflating, deflating, held, stopped }

    public var number: Int
    public var size: KiB
    /// nil: not known, or on several nodes.
    public var pnode: Int?
    /// target-balloon-size; nil where it is not a size.
    public var target: KiB?
    // What the guest reports.
    public var acknowledged: KiB?
    public var balloon: KiB?
    public var state: State?
    public var reason: HeldReason?
    public var grain: KiB = Self.usualGrain
    public var short: KiB = .zero
    /// The least and the most memory that it may have.
    public var minimum: KiB = .zero
    public var maximum: KiB = .zero
    /// Rows of the interface that are missing.
    public var missingRows: [String] = []

    public static let usualGrain: KiB = .mib(2)
    /// The granularities that a guest may report; any other counts as ``usualGrain``.
    public static let grains: [KiB] = [Frames.one.kib, .mib(2), .gib(1)]

    public init(number: Int, size: KiB) {
        self.number = number
        self.size = size
        maximum = size
    }

    /// The target as the guest will follow it.
    public var roundedTarget: KiB? { target.map { $0.roundedDown(to: grain) } }
    /// How much it has given or is about to give.
    public var promised: KiB { max(roundedTarget ?? .zero, balloon ?? .zero) }
    /// Whether it published that this very target is reached.
    public var isReached: Bool {
        guard let rounded = roundedTarget else { return state == .idle }
        return acknowledged == target && state == .idle && balloon == rounded
    }
}
