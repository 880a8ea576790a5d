/// One loop of the product, with its twin in C where it has one.
public struct Loop {
    public let name: String
    /// What one pass works on.
    public let input: String
    /// Bytes of input of one pass; 0 where bytes say nothing.
    public let bytes: Int
    /// What one pass does so many times, and how often.
    public let item: String
    public let items: Int
    /// The least share of C's speed that is good enough; nil: it is shown, nothing is asked of it.
    public let goal: Goal?
    /// One pass. What it returns depends on what it found: twins return the same.
    public let swift: () -> UInt64
    public let c: (() -> UInt64)?
    /// Where both write to: the same pages, for where memory lies matters.
    private let output: Words?

    public enum Goal: Sendable {
        case atLeast(Double)
        case above(Double)
    }

    init(
        _ name: String, _ input: String, bytes: Int = 0, _ item: String, _ items: Int, goal: Goal? = nil,
        output: Words? = nil, swift: @escaping () -> UInt64, c: (() -> UInt64)? = nil
    ) {
        self.name = name
        self.input = input
        self.bytes = bytes
        self.item = item
        self.items = items
        self.goal = goal
        self.output = output
        self.swift = swift
        self.c = c
    }

    /// Whether both return and write the same.
    public func twinsAgree() -> Bool {
        guard let c else { return true }
        output?.clear()
        let ours = swift()
        let written = output.map { $0.list }
        output?.clear()
        return c() == ours && output.map { $0.list } == written
    }

    /// A plain copy of as many bytes: the limit that memory sets.
    private static func copy(frames: Int) -> Loop {
        let (source, target) = (Words(frames) { UInt64($0) }, Words(frames) { _ in 0 })
        return Loop("plain copy", size(frames), bytes: frames * 8, "copy", 1) {
            target.copy(source)
            return target.last
        }
    }

    /// As many frame numbers fit into the processor's caches: 32 KiB, of 16 MiB of a guest.
    public static let few = 4096
    /// As many do not: 32 MiB, of 16 GiB.
    public static let many = 4 << 20

    /// All of them, on input of these sizes.
    public static func all(_ sizes: [Int]) -> [Loop] {
        sizes.flatMap { [copy(frames: $0)] + decoding(frames: $0) + filling(frames: $0) }
            + [parsing(), stepping()]
    }

    static func size(_ frames: Int) -> String { frames < 1 << 17 ? "\(frames >> 7) KiB" : "\(frames >> 17) MiB" }
}

/// Mixes a result into what a pass returns, in order.
@inline(__always)
func mix(_ sum: UInt64, _ value: UInt64) -> UInt64 { (sum &* 31) &+ value }
