/// A domain as the toolstack sees it: Xen's figures, its rows in xenstore, what is kept of it.
///
/// What the guest wrote went through a parser: numbers, words of a list, or nil.
public struct HostDomain: Equatable, Sendable {
    /// control/feature-balloon-vnode.
    public enum Feature: String, Sendable {
        /// There is no such row: no toolstack prepared the domain.
        case absent
        /// Prepared, and the guest has said nothing yet.
        case silent
        case on
        case off
        /// The guest wrote something that is none of the words.
        case odd
    }

    public var facts: DomainFacts
    public var name: String
    /// It has its rows in xenstore: it is not being built any more.
    public var isIntroduced = true
    public var hasVNUMA = false
    public var feature: Feature = .absent
    /// Linux's own balloon is there (control/feature-balloon).
    public var hasOldBalloon = false
    public var staticMax: KiB?
    public var video: KiB = .zero
    /// memory/target.
    public var legacyTarget: KiB?
    /// memory/target as it was before it was taken away.
    public var keptTarget: String?
    /// An administrator wants memory/target to stay.
    public var isYielded = false
    /// What another program wrote to memory/target last, before it was put back.
    public var foreignTarget: KiB?
    /// What Xen's count and the balloons add up to, as learnt when the guest first published its sizes.
    public var constant: KiB?
    /// What the whole domain keeps, and may have, where it has no vnodes of its own.
    public var minimum: KiB = .zero
    public var maximum: KiB = .zero
    /// What an administrator said of this very domain, and what is saved for all with its UUID.
    public var ownLimits = HostLimits()
    public var savedLimits = SavedLimits()
    public var vnodes: [HostVNode] = []

    public init(facts: DomainFacts, name: String) {
        self.facts = facts
        self.name = name
    }

    public var id: UInt16 { facts.id }
    public var memory: KiB { facts.pages.kib }
    /// What Xen counts beside memory/target: firmware and special pages, and what it has not moved yet.
    var besideKiB: Int64? { legacyTarget.map { Int64(memory.count) - Int64($0.count) } }
    public var isToolstack: Bool { id == 0 }
    /// The guest follows the interface.
    public var isManaged: Bool { feature == .on }
    /// The sum of what the guest says its balloons are; nil where one is not known.
    public var claimed: KiB? {
        var sum: KiB = .zero
        for vnode in vnodes {
            guard let kib = vnode.balloon else { return nil }
            sum += kib
        }
        return sum
    }
    /// What Xen's count says of all its balloons together.
    public var counted: KiB? { constant.map { $0.less(memory) } }

    /// What is within the two counts' noise: Linux has a page or two put somewhere else.
    public static let tolerance = KiB(64)

    /// The guest's sizes and Xen's count do not add up, while nothing moves.
    public var contradiction: (claims: KiB, xenSays: KiB)? {
        guard isManaged, vnodes.allSatisfy({ $0.state == .idle || $0.state == .held || $0.state == .stopped }),
            let claimed = claimed, let counted = counted
        else { return nil }
        return claimed.difference(from: counted) > Self.tolerance ? (claimed, counted) : nil
    }
}

/// One vnode of a domain, or what stands for it in a domain without virtual NUMA.
public struct HostVNode: Equatable, Sendable {
    public enum State: String, Sendable, CaseIterable { case idle, inflating, deflating, held, stopped }

    public var number: Int
    public var size: KiB
    /// nil: not known, or on several.
    public var pnode: Int?
    /// target-balloon-size, where it is a size.
    public var target: KiB?
    // What the guest says.
    public var acknowledged: KiB?
    public var balloon: KiB?
    public var state: State?
    public var reason: HeldReason?
    public var grain: KiB = Self.usualGrain
    public var short: KiB = .zero
    /// What it keeps, and may have.
    public var minimum: KiB = .zero
    public var maximum: KiB = .zero
    /// Rows of the interface that are not there.
    public var missingRows: [String] = []

    public static let usualGrain: KiB = .mib(2)
    /// What a guest may say; anything else counts as ``usualGrain``.
    public static let grains: [KiB] = [Frames.one.kib, .mib(2), .gib(1)]

    public init(number: Int, size: KiB) {
        self.number = number
        self.size = size
        maximum = size
    }

    /// The target as the guest will follow it.
    public var roundedTarget: KiB? { target.map { $0.roundedDown(to: grain) } }
    /// What it has given or is about to give.
    public var promised: KiB { max(roundedTarget ?? .zero, balloon ?? .zero) }
    /// It published, for this target, that the target is reached.
    public var isReached: Bool {
        guard let rounded = roundedTarget else { return state == .idle }
        return acknowledged == target && state == .idle && balloon == rounded
    }
}
