/// One hot loop of the product, and its counterpart in C if it has one.
public struct Loop {
    public let name: String
    /// The input of one pass, in words.
    public let input: String
    /// The size of that input; 0 if a number of bytes would say nothing.
    public let bytes: Int
    /// The unit of work, and how many such units one pass does.
    public let item: String
    public let items: Int
    /// The least share of C's speed that meets the goal; nil: the loop is only shown.
    public let goal: Goal?
    /// One pass. Its result depends on what it found, and is the same in Swift and in C.
    public let swift: () -> UInt64
    public let c: (() -> UInt64)?
    /// Where both of them write: to the same pages, since speed depends on where memory lies.
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

    /// A plain copy of as many bytes shows the limit that memory sets.
    private static func copy(frames: Int) -> Loop {
        let (source, target) = (Words(frames) { UInt64($0) }, Words(frames) { _ in 0 })
        return Loop("plain copy", size(frames), bytes: frames * 8, "copy", 1) {
            target.copy(source)
            return target.last
        }
    }

    /// This many frame numbers fit into the processor's caches: 32 KiB, for 16 MiB of a guest.
    public static let few = 4096
    /// This many do not: 32 MiB, for 16 GiB.
    public static let many = 4 << 20

    /// All loops, with input of these sizes.
    public static func all(_ sizes: [Int]) -> [Loop] {
        sizes.flatMap { [copy(frames: $0)] + decoding(frames: $0) + filling(frames: $0) }
            + [parsing(), stepping()]
    }

    static func size(_ frames: Int) -> String { frames < 1 << 17 ? "\(frames >> 7) KiB" : "\(frames >> 17) MiB" }
}

/// Mixes one result into the result of a pass. The order matters.
@inline(__always)
func mix(_ sum: UInt64, _ value: UInt64) -> UInt64 { (sum &* 31) &+ value }
