/// A line of the control socket. Untrusted until it is parsed here.
public enum ControlRequest: Equatable, Sendable {
    case status
    /// How many slots each vnode has.
    case slots
    /// A size for a vnode, or nil to release it; vnode nil: all of them.
    case force(vnode: Int?, kib: UInt64?)
    /// A slice of an audit.
    case audit(vnode: Int, slots: Range<Int>, everyFrame: Bool)
    /// Looks at all memory again, and puts right what can be.
    case repair

    /// The most slots of one audit request: 8 of them are 4096 probes, 0.1 s.
    public static let auditSlice = 8

    /// nil for what makes no sense.
    public init?(_ line: String) {
        let words = line.split(separator: " ")
        let numbers = words.dropFirst().map { decimalNumber(Array($0.utf8)).flatMap { Int(exactly: $0) } }
        switch (words.first, numbers.count) {
        case ("status", 0): self = .status
        case ("slots", 0): self = .slots
        case ("repair", 0): self = .repair
        case ("release-all", 0): self = .force(vnode: nil, kib: nil)
        case ("force-all", 1):
            guard let kib = numbers[0] else { return nil }
            self = .force(vnode: nil, kib: UInt64(kib))
        case ("release", 1):
            guard let vnode = numbers[0] else { return nil }
            self = .force(vnode: vnode, kib: nil)
        case ("force", 2):
            guard let vnode = numbers[0], let kib = numbers[1] else { return nil }
            self = .force(vnode: vnode, kib: UInt64(kib))
        case ("audit", 4):
            guard let vnode = numbers[0], let first = numbers[1], let count = numbers[2], let full = numbers[3],
                first < 1 << 32, count <= Self.auditSlice
            else { return nil }
            self = .audit(vnode: vnode, slots: first..<first + count, everyFrame: full == 1)
        default: return nil
        }
    }

    /// The line that says it.
    public var line: String {
        switch self {
        case .status: return "status"
        case .slots: return "slots"
        case .repair: return "repair"
        case .force(nil, nil): return "release-all"
        case .force(nil, let kib?): return "force-all \(kib)"
        case .force(let vnode?, nil): return "release \(vnode)"
        case .force(let vnode?, let kib?): return "force \(vnode) \(kib)"
        case .audit(let vnode, let slots, let everyFrame):
            return "audit \(vnode) \(slots.lowerBound) \(slots.count) \(everyFrame ? 1 : 0)"
        }
    }
}
