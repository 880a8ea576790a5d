/// The paths of the interface's rows, and of our own, in xenstore. docs/xenstore.md and docs/toolstack.md explain them.
enum HostRows {
    static func domain(_ id: UInt16) -> String { "/local/domain/\(id)" }
    static func domid(_ id: UInt16) -> String { domain(id) + "/domid" }
    static func legacyTarget(_ id: UInt16) -> String { domain(id) + "/memory/target" }
    static func feature(_ id: UInt16) -> String { domain(id) + "/control/feature-balloon-vnode" }
    static func vnode(_ id: UInt16, _ vnode: Int) -> String { domain(id) + "/memory/vnode\(vnode)" }
    static func target(_ id: UInt16, _ number: Int) -> String { vnode(id, number) + "/target-balloon-size" }

    /// The rows of a vnode that the guest writes.
    static let reports = [
        "balloon-target", "balloon-size", "balloon-state", "balloon-reason", "balloon-granularity", "balloon-short",
    ]

    /// Our own rows, which no guest can read.
    static let root = "/vnode-balloon"
    static let domains = root + "/domain"
    static let reservations = root + "/reservation"
    /// Targets by UUID: a domain that starts again gets another number and keeps its UUID.
    static let remembered = root + "/target"
    static func remembered(_ uuid: String, _ name: String) -> String { remembered + "/\(uuid)/\(name)" }
    static func kept(_ id: UInt16) -> String { domains + "/\(id)" }
    static func kept(_ id: UInt16, _ name: String) -> String { kept(id) + "/" + name }
    /// The domain whose rows this path is of.
    static func id(in path: String) -> UInt16? {
        for home in ["/local/domain/", domains + "/"] where path.hasPrefix(home) {
            let digits = path.utf8.dropFirst(home.utf8.count).prefix { $0 != UInt8(ascii: "/") }
            return decimalNumber(Array(digits)).flatMap { UInt16(exactly: $0) }
        }
        return nil
    }

    static func keptVNode(_ id: UInt16, _ vnode: Int, _ name: String) -> String { kept(id) + "/vnode/\(vnode)/\(name)" }
}
