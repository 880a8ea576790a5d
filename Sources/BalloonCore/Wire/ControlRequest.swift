/// A request line of the control socket. It is untrusted until it is parsed here.
public enum ControlRequest: Equatable, Sendable {
    case status
    /// How many slots each vnode has.
    case slots
    /// Forces a size for a vnode; size nil: releases it; vnode nil: all vnodes.
    case force(vnode: Int?, size: KiB?)
    /// A slice of an audit.
    case audit(vnode: Int, slots: Range<Int>, everyFrame: Bool)
    /// What the daemon did since it started.
    case counters
    /// Asks Xen about every frame of some slots, and takes over the answers. The next steps then mend what they can.
    case repair(vnode: Int, slots: Range<Int>)
    /// Reads a vnode's file and pins again, as at a start.
    case recover(vnode: Int)

    /// The most slots in one request. The answer says how many were done.
    public static let auditSlice = 64

    /// nil for a line that is no request.
    public init?(_ line: String) {
        let words = line.split(separator: " ")
        let numbers = words.dropFirst().map { decimalNumber(Array($0.utf8)).flatMap { Int(exactly: $0) } }
        switch (words.first, numbers.count) {
        case ("status", 0): self = .status
        case ("slots", 0): self = .slots
        case ("counters", 0): self = .counters
        case ("release-all", 0): self = .force(vnode: nil, size: nil)
        case ("force-all", 1):
            guard let kib = numbers[0] else { return nil }
            self = .force(vnode: nil, size: KiB(UInt64(kib)))
        case ("release", 1):
            guard let vnode = numbers[0] else { return nil }
            self = .force(vnode: vnode, size: nil)
        case ("force", 2):
            guard let vnode = numbers[0], let kib = numbers[1] else { return nil }
            self = .force(vnode: vnode, size: KiB(UInt64(kib)))
        case ("audit", 4):
            guard let vnode = numbers[0], let first = numbers[1], let count = numbers[2], let full = numbers[3],
                let slots = Self.slice(first, count), full <= 1
            else { return nil }
            self = .audit(vnode: vnode, slots: slots, everyFrame: full == 1)
        case ("repair", 3):
            guard let vnode = numbers[0], let first = numbers[1], let count = numbers[2],
                let slots = Self.slice(first, count)
            else { return nil }
            self = .repair(vnode: vnode, slots: slots)
        case ("recover", 1):
            guard let vnode = numbers[0] else { return nil }
            self = .recover(vnode: vnode)
        default: return nil
        }
    }

    /// The request as a line.
    public var line: String {
        switch self {
        case .status: return "status"
        case .slots: return "slots"
        case .counters: return "counters"
        case .force(nil, nil): return "release-all"
        case .force(nil, let size?): return "force-all \(size)"
        case .force(let vnode?, nil): return "release \(vnode)"
        case .force(let vnode?, let size?): return "force \(vnode) \(size)"
        case .audit(let vnode, let slots, let everyFrame):
            return "audit \(vnode) \(slots.lowerBound) \(slots.count) \(everyFrame ? 1 : 0)"
        case .repair(let vnode, let slots): return "repair \(vnode) \(slots.lowerBound) \(slots.count)"
        case .recover(let vnode): return "recover \(vnode)"
        }
    }

    /// How long the answer may take, in milliseconds. The daemon may first have to do other clients' slices, or read a
    /// whole file.
    public var patience: UInt32 {
        switch self {
        case .status, .slots, .counters, .force: return 5000
        case .audit, .repair, .recover: return 60000
        }
    }

    private static func slice(_ first: Int, _ count: Int) -> Range<Int>? {
        guard first < 1 << 32, count <= auditSlice else { return nil }
        return first..<first + count
    }
}
