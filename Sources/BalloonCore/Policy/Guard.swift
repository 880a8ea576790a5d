/// How much of a node's memory the guest keeps.
public struct Guard: Equatable, Sendable {
    /// The least that any node keeps.
    public static let least: KiB = .mib(32)

    /// The configured `min-free`.
    public var minFree: KiB

    public init(minFree: KiB = .zero) { self.minFree = minFree }

    /// How much the node keeps available: the largest of 32 MiB, 5 % of the node, and `min-free`.
    ///
    /// The high watermarks come on top: available memory is counted from there.
    public func kept(on node: NodeMemory) -> KiB {
        max(Self.least, node.managed / 20, minFree)
    }

    /// How much the node lacks of what it should keep. An inflate ends exactly there, so only a lack of more than a
    /// quarter counts.
    /// - Parameter wasShort: the node was short before; then any lack counts, until nothing is missing.
    public func short(on node: NodeMemory, wasShort: Bool) -> KiB {
        let kept = kept(on: node)
        let missing = kept.less(node.available)
        return wasShort || missing > kept / 4 ? missing : .zero
    }

    /// How many extents of `extent` may be taken from the node now.
    public func extents(on node: NodeMemory, extent: KiB) -> Int {
        let kept = kept(on: node)
        return Int(node.available.less(kept) / extent)
    }
}
