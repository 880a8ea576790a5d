/// A path of the interface in xenstore, relative to the domain's own directory, as a watch event names it.
public enum StorePath: Equatable, Sendable {
    /// memory/vnode<n>, or one of its rows: `memory/vnode0/target-balloon-size`.
    case vnode(Int, row: String?)

    /// nil for every other path. `memory/vnode01` is not `memory/vnode1`, and is not part of the interface.
    public init?(_ path: String) {
        let parts = path.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[0].elementsEqual("memory".utf8), parts[1].starts(with: "vnode".utf8) else {
            return nil
        }
        let digits = Array(parts[1].dropFirst("vnode".utf8.count))
        guard let number = decimalNumber(digits).flatMap({ Int(exactly: $0) }) else { return nil }
        if digits.count > 1 && digits[0] == UInt8(ascii: "0") { return nil }
        guard parts.count > 2 else {
            self = .vnode(number, row: nil)
            return
        }
        guard !parts[2].isEmpty, let row = String(parts[2]) else { return nil }
        self = .vnode(number, row: row)
    }

    /// The path as text.
    public var text: String {
        switch self {
        case .vnode(let number, let row): return "memory/vnode\(number)" + (row.map { "/" + $0 } ?? "")
        }
    }
}
