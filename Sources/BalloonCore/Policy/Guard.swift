/// How much of a node's memory the guest keeps.
public struct Guard: Equatable, Sendable {
    /// The least that any node keeps, in KiB.
    public static let leastKiB: UInt64 = 32 * 1024

    /// The configured `min-free`, in KiB.
    public var minFreeKiB: UInt64

    public init(minFreeKiB: UInt64 = 0) { self.minFreeKiB = minFreeKiB }

    /// What the node keeps available, in KiB: the largest of 32 MiB, 5 % of the node, `min-free`.
    ///
    /// The high watermarks come on top of it: what is available is counted from there.
    public func keptKiB(on node: NodeMemory) -> UInt64 {
        max(Self.leastKiB, node.managedKiB / 20, minFreeKiB)
    }

    /// What a node lacks of what it keeps, in KiB. An inflate ends at what is kept: a quarter less begins to count.
    /// - Parameter wasShort: then all of it counts, until nothing is missing.
    public func shortKiB(on node: NodeMemory, wasShort: Bool) -> UInt64 {
        let kept = keptKiB(on: node)
        let missing = kept > node.availableKiB ? kept - node.availableKiB : 0
        return wasShort || missing > kept / 4 ? missing : 0
    }

    /// How many extents of `extentKiB` may be taken from the node now.
    public func extents(on node: NodeMemory, extentKiB: UInt64) -> Int {
        let kept = keptKiB(on: node)
        return node.availableKiB <= kept ? 0 : Int((node.availableKiB - kept) / extentKiB)
    }
}
