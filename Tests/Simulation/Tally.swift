/// How often each kind of thing went wrong: a schedule that plans a fault may end before it, or plan it where it changes
/// nothing. Only what had an effect is counted.
public struct Tally: Sendable {
    public enum Kind: String, CaseIterable, Sendable {
        case killedBefore = "killed before a call"
        case killedAfter = "killed after a call"
        case killedBetween = "killed between two decisions"
        case lostRecord = "intent record lost"
        case shortCount = "short count"
        case partialExtent = "part of a 2 MiB extent given"
        case fullNode = "physical node full or in pieces"
        case atMaximum = "maximum reservation met"
        case noMemory = "no or fewer pages from Linux"
        case failed = "call failed"
        case failedLate = "call failed after it had its effect"
        case refused = "frame that Xen does not let go"
        case referenced = "frame that others have mapped"
        case unexpectedHole = "hole where RAM was expected"
        case unexpectedRAM = "RAM where a hole was expected"
        case migrated = "migrated"
        case sending = "migration begun in a call"
        case otherPage = "page replaced by another"
        case balanced = "sum hidden by Linux's own balloon"
        case fileGone = "file removed or replaced"
        case pageGone = "page punched or cut out of the file"
        case punchedAfterKill = "page punched out after a kill in a move"
        case lostEvent = "watch event lost"
        case doubledEvent = "watch event doubled"
        case storeDown = "store down"
        case conflict = "transaction in conflict"
        case noDescriptors = "no descriptors"
        case holderStopped = "holder stopped"
        case holderKilled = "holder killed"
        case holderFull = "holder without descriptors"
        case holderRefused = "holder that cannot be started"
        case otherPNode = "memory taken from another physical node"
    }

    public private(set) var counts: [Kind: Int] = [:]

    public init() {}

    public subscript(kind: Kind) -> Int { counts[kind] ?? 0 }

    mutating func note(_ kind: Kind) { counts[kind, default: 0] += 1 }

    public mutating func add(_ other: Tally) { counts.merge(other.counts, uniquingKeysWith: +) }

    /// Kinds that never came about.
    public var missing: [Kind] { Kind.allCases.filter { self[$0] == 0 } }
}
