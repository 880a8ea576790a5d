public import BalloonCore

/// A domain as the toolstack sees it: Xen's figures, its rows in xenstore, what is kept of it. Sizes are KiB.
///
/// What the guest wrote went through a parser: numbers, words of a list, or nil.
public struct HostDomain: Equatable, Sendable {
    /// control/feature-balloon-vnode.
    public enum Feature: String, Sendable {
        /// There is no such row: nobody prepared the domain.
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
    public var staticMaxKiB: UInt64?
    public var videoKiB: UInt64 = 0
    /// memory/target.
    public var legacyTargetKiB: UInt64?
    /// memory/target as it was before it was taken away.
    public var keptTarget: String?
    /// An administrator wants memory/target to stay.
    public var isYielded = false
    /// What somebody else wrote to memory/target last, before it was put back.
    public var foreignTargetKiB: UInt64?
    /// What Xen's count and the balloons add up to, as learnt when the guest first told its sizes.
    public var constantKiB: UInt64?
    /// What the whole domain keeps, and may have, where it has no vnodes of its own.
    public var minKiB: UInt64 = 0
    public var maxKiB: UInt64 = 0
    /// What an administrator said of this very domain, and what is saved for all with its UUID.
    public var ownLimits = HostLimits()
    public var savedLimits = SavedLimits()
    public var vnodes: [HostVNode] = []

    public init(facts: DomainFacts, name: String) {
        self.facts = facts
        self.name = name
    }

    public var id: UInt16 { facts.id }
    public var memoryKiB: UInt64 { facts.pages * 4 }
    /// What Xen counts beside memory/target: firmware and special pages, and what it has not moved yet.
    var besideKiB: Int64? { legacyTargetKiB.map { Int64(memoryKiB) - Int64($0) } }
    public var isToolstack: Bool { id == 0 }
    /// The guest follows the interface.
    public var isManaged: Bool { feature == .on }
    /// The sum of what the guest says its balloons are; nil where one is not known.
    public var claimedKiB: UInt64? {
        var sum: UInt64 = 0
        for vnode in vnodes {
            guard let kib = vnode.balloonKiB else { return nil }
            sum += kib
        }
        return sum
    }
    /// What Xen's count says of all its balloons together.
    public var countedKiB: UInt64? { constantKiB.map { less($0, memoryKiB) } }

    /// What is within the two counts' noise: Linux has a page or two put somewhere else.
    public static let toleranceKiB: UInt64 = 64

    /// The guest's sizes and Xen's count do not add up, while nothing moves.
    public var contradiction: (claimsKiB: UInt64, xenSaysKiB: UInt64)? {
        guard isManaged, vnodes.allSatisfy({ $0.state == .idle || $0.state == .held || $0.state == .stopped }),
            let claimed = claimedKiB, let counted = countedKiB
        else { return nil }
        let difference = claimed > counted ? claimed - counted : counted - claimed
        return difference > Self.toleranceKiB ? (claimed, counted) : nil
    }
}

/// One vnode of a domain, or what stands for it in a domain without virtual NUMA.
public struct HostVNode: Equatable, Sendable {
    public enum State: String, Sendable, CaseIterable { case idle, inflating, deflating, held, stopped }

    public var number: Int
    public var sizeKiB: UInt64
    /// nil: not known, or on several.
    public var pnode: Int?
    /// target-balloon-size, where it is a size.
    public var targetKiB: UInt64?
    // What the guest says.
    public var acknowledgedKiB: UInt64?
    public var balloonKiB: UInt64?
    public var state: State?
    public var reason: HeldReason?
    public var grainKiB: UInt64 = Self.usualGrainKiB
    public var shortKiB: UInt64 = 0
    /// What it keeps, and may have.
    public var minKiB: UInt64 = 0
    public var maxKiB: UInt64 = 0
    /// Rows of the interface that are not there.
    public var missingRows: [String] = []

    public static let usualGrainKiB: UInt64 = 2048
    /// What a guest may say; anything else counts as ``usualGrainKiB``.
    public static let grainsKiB: [UInt64] = [4, 2048, 1 << 20]

    public init(number: Int, sizeKiB: UInt64) {
        self.number = number
        self.sizeKiB = sizeKiB
        maxKiB = sizeKiB
    }

    /// The target as the guest will follow it.
    public var roundedTargetKiB: UInt64? { targetKiB.map { $0 / grainKiB * grainKiB } }
    /// What it has given or is about to give.
    public var promisedKiB: UInt64 { max(roundedTargetKiB ?? 0, balloonKiB ?? 0) }
    /// It told, of this target, that it is there.
    public var isReached: Bool {
        guard let rounded = roundedTargetKiB else { return state == .idle }
        return acknowledgedKiB == targetKiB && state == .idle && balloonKiB == rounded
    }
}
